"""Confusion counts over the whole validation set, and the scores computed from them."""

from typing import Any

import numpy as np

from depthg.config.settings import EvaluateSettings
from depthg.data.classes import Classes
from depthg.evaluation.metrics import UNMATCHED, confusion, match, score

BLOCKS = ("unsupervised", "unsupervised_crf", "linear", "linear_crf")
DIGITS = 4  # of a percentage in the results


class ConfusionCounts:
    """Confusion counts for each block of scores.

    The plain and the refined clusters are each matched on their own counts, as published results are.

    Args:
        clusters: number of clusters.
        classes: classes of the data set; none without labels.
        has_linear: whether there is a linear probe.
    """

    def __init__(self, clusters: int, classes: Classes, has_linear: bool):
        self.classes, self.has_linear = classes, has_linear
        rows = {name: len(classes) if name.startswith("linear") else clusters for name in BLOCKS}
        self.counts = {name: np.zeros((rows[name], len(classes)), np.int64) for name in BLOCKS}

    def add(self, maps: dict[str, np.ndarray], label: np.ndarray) -> None:
        """Count the predictions uint16 [H, W] of one crop, by block, against its label uint16 [H, W]."""
        for name, prediction in maps.items():
            self.counts[name] += confusion(prediction, label, *self.counts[name].shape)

    @property
    def pixels(self) -> int:
        """Labelled pixels counted."""
        return int(self.counts["unsupervised"].sum())

    def matching(self, name: str) -> np.ndarray:
        """Class id of each cluster; an output of the linear probe is its own class."""
        return np.arange(len(self.classes)) if name.startswith("linear") else match(self.counts[name])

    def reason(self, name: str, settings: EvaluateSettings) -> str | None:
        """Why there is no score of this name, or None where there is one."""
        if not len(self.classes):
            return "no labels"
        if not self.pixels:
            return "no labelled pixel in the validation crops"
        if name.startswith("linear") and not self.has_linear:
            return "no linear probe: no labelled training crops, or linear_steps is 0"
        if name.endswith("_crf") and not settings.crf:
            return "crf is off"
        return None

    def block(self, name: str) -> dict[str, Any]:
        """Accuracy, mean IoU and IoU by class name, in percent."""
        result = score(self.counts[name], self.matching(name))
        iou = [None if value is None else round(value, DIGITS) for value in result.iou]
        return {
            "accuracy": round(result.accuracy, DIGITS),
            "miou": round(result.miou, DIGITS),
            "per_class": dict(zip(self.classes.names, iou, strict=True)),
        }

    def report(self, settings: EvaluateSettings, images: int) -> dict[str, Any]:
        """The content of a seed's `metrics.json`; `matching` is that of the unrefined clusters."""
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
