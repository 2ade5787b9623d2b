"""Confusion counts over the whole validation set, and the scores computed from them."""

from typing import Any

import numpy as np

from depthg.config.settings import EvaluateSettings
from depthg.data.classes import Classes
from depthg.evaluation.metrics import UNMATCHED, confusion, match, score

BLOCKS = ("unsupervised", "unsupervised_crf", "linear", "linear_crf")
DIGITS = 4  # decimal places of percentages in metrics.json


class ConfusionCounts:
    """Confusion counts of every block of scores, accumulated over crops.

    Clusters before and after the CRF are matched to classes separately, each by its own counts, as is published.

    Args:
        clusters: number of clusters.
        classes: classes of the data set; empty without labels.
        has_linear: whether a linear probe was fitted.
        surplus: setting `surplus_clusters`; with `left_out`, pixels whose cluster id is not below the number of classes
            are not counted (STEGO and the released code): scores rise, as part of the errors is left out.
    """

    def __init__(self, clusters: int, classes: Classes, has_linear: bool, surplus: str = "wrong"):
        self.classes, self.has_linear, self.surplus = classes, has_linear, surplus
        rows = {name: len(classes) if name.startswith("linear") else clusters for name in BLOCKS}
        self.counts = {name: np.zeros((rows[name], len(classes)), np.int64) for name in BLOCKS}

    def add(self, maps: dict[str, np.ndarray], label: np.ndarray) -> None:
        """Add one crop: predicted ids uint16 [H, W] by block, and its labels uint16 [H, W] (255 = void)."""
        for name, prediction in maps.items():
            found = confusion(prediction, label, *self.counts[name].shape)
            if self.surplus == "left_out":
                found[len(self.classes) :] = 0
            self.counts[name] += found

    @property
    def pixels(self) -> int:
        """Number of labelled pixels counted so far."""
        return int(self.counts["unsupervised"].sum())

    def matching(self, name: str) -> np.ndarray:
        """Class id of each cluster of a block, int64, −1 if unmatched; for the linear probe, the identity."""
        return np.arange(len(self.classes)) if name.startswith("linear") else match(self.counts[name])

    def reason(self, name: str, settings: EvaluateSettings) -> str | None:
        """Why a block has no scores; None if it has."""
        if not len(self.classes):
            return "no labels"
        if not self.pixels:
            return "no labelled pixel in the validation crops"
        if name.startswith("linear") and not self.has_linear:
            return "no linear probe: no labelled training crops, or linear_steps is 0"
        if name.endswith("_crf") and not settings.crf:
            return "crf is off"
        if not self.counts[name].any():
            return "every labelled pixel is in a surplus cluster"
        return None

    def block(self, name: str) -> dict[str, Any]:
        """Accuracy, mean IoU and IoU by class name of a block, in percent."""
        result = score(self.counts[name], self.matching(name))
        iou = [None if value is None else round(value, DIGITS) for value in result.iou]
        return {
            "accuracy": round(result.accuracy, DIGITS),
            "miou": round(result.miou, DIGITS),
            "per_class": dict(zip(self.classes.names, iou, strict=True)),
        }

    def report(self, settings: EvaluateSettings, images: int) -> dict[str, Any]:
        """The content of a seed's `metrics.json`; `matching` belongs to the clusters before the CRF."""
        reasons = {name: why for name in BLOCKS if (why := self.reason(name, settings))}
        matching = self.matching("unsupervised").tolist() if self.pixels else []
        return {
            **{name: None if name in reasons else self.block(name) for name in BLOCKS},
            "reasons": reasons,
            "matching": {
                str(cluster): None if of == UNMATCHED else self.classes.names[of]
                for cluster, of in enumerate(matching)
            },
            "counts": {"images": images, "pixels": self.pixels},
        }
