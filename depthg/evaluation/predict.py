"""Label maps of crops: the prediction of every probe, before and after the CRF."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn import functional

from depthg.evaluation.codes import CodeReader
from depthg.evaluation.crf import CHANNELS, refine_maps
from depthg.evaluation.probes import Probes
from depthg.evaluation.workers import ordered_map
from depthg.store.reader import Store

BATCH = 8


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


def upsample(logits: Tensor, grid: tuple[int, int], size: Sequence[int]) -> Tensor:
    """Bilinearly upsample logits [P, n] of a token grid (h, w) to [n, H, W], as `align_corners=False` does."""
    maps = logits.T.unflatten(1, grid)[None]
    return functional.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)[0]


def predict(
    reader: CodeReader, probes: Probes, crops: Store, rows: Sequence[int]
) -> Iterator[PredictedLogits]:
    """Predict crops with every probe; yields each prediction with its logits, in the order of `rows`."""
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        images, labels = crops.read("images", chosen), crops.read("labels", chosen)
        logits = probes.logits(reader.codes(chosen))
        for i, crop in enumerate(chosen):
            of_crop = {name: value[i] for name, value in logits.items()}
            yield _predict_crop(int(crop), images[i], labels[i], of_crop, reader.grid)


def _predict_crop(
    crop: int, image: np.ndarray, label: np.ndarray, logits: Mapping[str, Tensor], grid: tuple[int, int]
) -> PredictedLogits:
    full = {name: upsample(value, grid, label.shape) for name, value in logits.items()}
    # along the first axis, max is several times as fast as argmax
    maps = {name: value.max(dim=0).indices.cpu().numpy().astype(np.uint16) for name, value in full.items()}
    return Prediction(crop, image, label, maps), full


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
