"""Label maps of crops: the prediction of every probe, before and after the CRF."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from depthg.evaluation.codes import CodeReader
from depthg.evaluation.crf import CHANNELS, refine_maps
from depthg.evaluation.guided import guided_mean, reach, token_colours
from depthg.evaluation.probes import Probes
from depthg.evaluation.workers import ordered_map
from depthg.runtime.device import as_tensor
from depthg.store.reader import Store

BATCH = 8
SURENESS = {
    "unsupervised": 5.0
}  # logits are multiplied by it before they are averaged: 2·cos alone is hardly a vote


@dataclass(frozen=True)
class Prediction:
    """The prediction for one crop.

    Attributes:
        crop: row number of the crop.
        image: uint8 [S, S, 3].
        label: class ids, 255 = void, uint16 [S, S].
        maps: cluster or class ids uint16 [S, S] by probe; names of maps refined by the CRF end in `_crf`.
    """

    crop: int
    image: np.ndarray
    label: np.ndarray
    maps: dict[str, np.ndarray]


PredictedLogits = tuple[Prediction, dict[str, Tensor]]  # and logits float32 [n, S, S] by probe
LogitMaps = Iterator[dict[str, Tensor]]  # these of one crop after the other


def upsample(logits: Tensor, grid: tuple[int, int], size: Sequence[int]) -> Tensor:
    """Bilinearly upsample logits or codes [P, n] of a token grid (h, w) to [n, H, W], as `align_corners=False` does."""
    maps = logits.T.unflatten(1, grid)[None]
    return functional.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)[0]


def enlarge_logits(probes: Probes, codes: Tensor, grid: tuple[int, int], images: np.ndarray) -> LogitMaps:
    """The probes at tokens, their logits enlarged: a probe is applied to few codes. See `ENLARGED`."""
    logits = probes.logits(codes)
    for i in range(len(codes)):
        yield {name: upsample(value[i], grid, images.shape[1:3]) for name, value in logits.items()}


def enlarge_codes(probes: Probes, codes: Tensor, grid: tuple[int, int], images: np.ndarray) -> LogitMaps:
    """As released: the codes enlarged, the probes applied to pixels. See `ENLARGED`.

    A cosine is not linear, so clusters differ; the linear probe gives the same either way. Holds the codes [Q, H, W]
    of one crop at a time.
    """
    size = images.shape[1:3]
    for code in codes:
        pixels = upsample(code, grid, size).flatten(1).T
        yield {name: value[0].T.unflatten(1, size) for name, value in probes.logits(pixels[None]).items()}


def enlarge_guided(probes: Probes, codes: Tensor, grid: tuple[int, int], images: np.ndarray) -> LogitMaps:
    """The probabilities at tokens, averaged among tokens of like colour and enlarged. See `ENLARGED`."""
    logits, radius = probes.logits(codes), reach(grid)
    for i, image in enumerate(images):
        colours = token_colours(as_tensor(image).to(codes.device), grid)
        votes = [(SURENESS.get(name, 1.0) * value[i]).softmax(-1) for name, value in logits.items()]
        likely = guided_mean(torch.cat(votes, -1).T.unflatten(1, grid), colours, radius).flatten(1).T
        enlarged = upsample(likely, grid, image.shape[:2]).log()
        yield dict(zip(logits, enlarged.split([vote.shape[-1] for vote in votes]), strict=True))


# Setting `enlarged` → function of probes, codes float32 [B, P, Q], token grid (h, w) and images uint8 [B, H, W, 3] that
# yields logits float32 [n, H, W] by probe, one crop after the other.
ENLARGED: dict[str, Callable[[Probes, Tensor, tuple[int, int], np.ndarray], LogitMaps]] = {
    "logits": enlarge_logits,
    "codes": enlarge_codes,
    "guided": enlarge_guided,
}


def predict(
    reader: CodeReader, probes: Probes, crops: Store, rows: Sequence[int], enlarged: str = "logits"
) -> Iterator[PredictedLogits]:
    """Predict crops with every probe; yields each prediction with its logits, in the order of `rows`."""
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        images, labels = crops.read("images", chosen), crops.read("labels", chosen)
        maps = ENLARGED[enlarged](probes, reader.codes(chosen), reader.grid, images)
        for crop, image, label, logits in zip(chosen, images, labels, maps, strict=True):
            yield Prediction(int(crop), image, label, _largest(logits)), logits


def _largest(logits: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """The ids of the largest logits, uint16 [H, W] by probe."""
    # along the first axis, max is several times as fast as argmax
    return {name: value.max(dim=0).indices.cpu().numpy().astype(np.uint16) for name, value in logits.items()}


def add_refined(
    predictions: Iterable[PredictedLogits], workers: int, channels: str = "rgb"
) -> Iterator[Prediction]:
    """Add CRF-refined maps to each prediction, in order; the CRF runs in `workers` processes and sees `channels`."""
    jobs = (
        (prediction, (CHANNELS[channels](prediction.image), _probabilities(logits)))
        for prediction, logits in predictions
    )
    for prediction, refined in ordered_map(refine_maps, jobs, workers):
        prediction.maps.update({f"{name}_crf": map_ for name, map_ in refined.items()})
        yield prediction


def _probabilities(logits: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """The input of the CRF: probabilities float32 [n, S, S], by probe."""
    return {name: value.softmax(dim=0).cpu().numpy() for name, value in logits.items()}
