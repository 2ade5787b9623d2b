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


@dataclass(frozen=True)
class Enlarger:
    """What is enlarged from tokens to pixels, and how it becomes logits there.

    Attributes:
        values: probes, codes float32 [B, P, Q], token grid (h, w) and images uint8 [B, H, W, 3] → float32 [B, P, n].
        logits: probes and enlarged values float32 […, n, H, W] → logits float32 […, ·, H, W] by probe.
    """

    values: Callable[[Probes, Tensor, tuple[int, int], Tensor], Tensor]
    logits: Callable[[Probes, Tensor], dict[str, Tensor]]

    def __call__(self, probes: Probes, codes: Tensor, grid: tuple[int, int], images: np.ndarray) -> LogitMaps:
        """Logits float32 [·, H, W] by probe, of one crop after the other: those of pixels take memory."""
        pixels = as_tensor(images).to(codes.device)
        for values in self.values(probes, codes, grid, pixels):
            yield self.logits(probes, upsample(values, grid, images.shape[1:3]))


def logit_values(probes: Probes, codes: Tensor, grid: tuple[int, int], images: Tensor) -> Tensor:
    """The logits of all probes at tokens: a probe is applied to few codes."""
    return torch.cat(list(probes.logits(codes).values()), -1)


def code_values(probes: Probes, codes: Tensor, grid: tuple[int, int], images: Tensor) -> Tensor:
    """The codes, as released: a cosine is not linear, so clusters differ; a linear probe gives the same either way."""
    return codes


def guided_values(probes: Probes, codes: Tensor, grid: tuple[int, int], images: Tensor) -> Tensor:
    """The probabilities of all probes at tokens, averaged among tokens of like colour."""
    votes = torch.cat(
        [(SURENESS.get(name, 1.0) * own).softmax(-1) for name, own in probes.logits(codes).items()], -1
    )
    maps = votes.transpose(1, 2).unflatten(2, grid)
    return guided_mean(maps, token_colours(images, grid), reach(grid)).flatten(2).transpose(1, 2)


def by_probe(probes: Probes, values: Tensor) -> dict[str, Tensor]:
    """Values […, n, H, W] of all probes, one after the other, by probe."""
    sizes = {"unsupervised": len(probes.centroids)}
    if probes.linear is not None:
        sizes["linear"] = len(probes.linear.weight)
    return dict(zip(sizes, values.split(list(sizes.values()), -3), strict=True))


def probes_at_pixels(probes: Probes, codes: Tensor) -> dict[str, Tensor]:
    """Logits […, ·, H, W] by probe of the codes […, Q, H, W] of pixels."""
    logits = probes.logits(codes.flatten(-2).mT)
    return {name: value.mT.unflatten(-1, codes.shape[-2:]) for name, value in logits.items()}


ENLARGED: dict[str, Enlarger] = {  # setting `enlarged`
    "logits": Enlarger(logit_values, by_probe),
    "codes": Enlarger(code_values, probes_at_pixels),
    "guided": Enlarger(guided_values, lambda probes, likely: by_probe(probes, likely.log())),
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
