"""Confusion counts over the whole validation set, and the scores computed from them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from depthg.data.classes import Classes
from depthg.evaluation.metrics import UNMATCHED, confusion, majority, match, score

if TYPE_CHECKING:
    from depthg.config.settings import EvaluateSettings

MAPS = ("unsupervised", "unsupervised_crf", "linear", "linear_crf")  # predictions, of which there are counts
DIGITS = 4  # decimal places of percentages in metrics.json


class Block(NamedTuple):
    """What a block of scores is computed from.

    Attributes:
        maps: the predictions that are scored.
        classes_of: counts int [clusters, classes] → class id of each cluster, −1 if unmatched.
        by: the crops whose counts these are.
    """

    maps: str
    classes_of: Callable[[np.ndarray], np.ndarray]
    by: Literal["validation", "train"] = "validation"


def _identity(counts: np.ndarray) -> np.ndarray:
    return np.arange(len(counts))


BLOCKS = {  # in the order of metrics.json: the paper's four, then further ones
    "unsupervised": Block("unsupervised", match),
    "unsupervised_crf": Block("unsupervised_crf", match),
    "linear": Block("linear", _identity),
    "linear_crf": Block("linear_crf", _identity),
    "many_to_one": Block("unsupervised", majority),
    "many_to_one_crf": Block("unsupervised_crf", majority),
    "train_matched": Block("unsupervised", match, "train"),
    "train_matched_crf": Block("unsupervised_crf", match, "train"),
    "train_many_to_one": Block("unsupervised", majority, "train"),
    "train_many_to_one_crf": Block("unsupervised_crf", majority, "train"),
}


class ConfusionCounts:
    """Confusion counts of every kind of prediction, accumulated over crops.

    Clusters before and after the CRF are matched to classes separately, each by its own counts, as is published; with
    training crops, which have no CRF, by the same.

    Args:
        clusters: number of clusters.
        classes: classes of the data set; empty without labels.
        has_linear: whether a linear probe was fitted.
        surplus: setting `surplus_clusters`; with `left_out`, pixels whose cluster id is not below the number of classes
            are not counted (STEGO and the released code): scores rise, as part of the errors is left out. Many to one,
            where no cluster is surplus, all are counted.
        training: counts of training crops before the CRF, int64 [clusters, classes]; None leaves out the blocks that
            are matched by them.
    """

    def __init__(
        self,
        clusters: int,
        classes: Classes,
        has_linear: bool,
        surplus: str = "wrong",
        training: np.ndarray | None = None,
    ):
        self.classes, self.has_linear, self.surplus, self.training = classes, has_linear, surplus, training
        rows = {maps: len(classes) if maps.startswith("linear") else clusters for maps in MAPS}
        self.counts = {maps: np.zeros((rows[maps], len(classes)), np.int64) for maps in MAPS}
        self.blocks = [name for name, block in BLOCKS.items() if block.by != "train" or training is not None]

    def add(self, maps: dict[str, np.ndarray], label: np.ndarray) -> None:
        """Add one crop: predicted ids uint16 [H, W] by kind, and its labels uint16 [H, W] (255 = void)."""
        for name, prediction in maps.items():
            self.counts[name] += confusion(prediction, label, *self.counts[name].shape)

    def counted(self, name: str) -> np.ndarray:
        """The counts that a block scores, int64 [clusters, classes]."""
        return self._without_surplus(self.counts[BLOCKS[name].maps], BLOCKS[name])

    def _without_surplus(self, counts: np.ndarray, block: Block) -> np.ndarray:
        if block.classes_of is majority:
            return counts
        return np.where(np.arange(len(counts))[:, None] < self.scored, counts, 0)

    @property
    def scored(self) -> int:
        """Number of clusters, the first ones, of which pixels are counted one to one."""
        clusters = len(self.counts["unsupervised"])
        return clusters if self.surplus == "wrong" else min(clusters, len(self.classes))

    @property
    def pixels(self) -> int:
        """Number of labelled pixels counted so far."""
        return int(self.counted("unsupervised").sum())

    def matching(self, name: str) -> np.ndarray:
        """Class id of each cluster of a block, int64, −1 if unmatched; for the linear probe, the identity."""
        block = BLOCKS[name]
        counts = self.counts[block.maps]
        if block.by == "train" and self.training is not None:
            counts = self.training
        return block.classes_of(self._without_surplus(counts, block))

    def reason(self, name: str, settings: "EvaluateSettings") -> str | None:
        """Why a block has no scores; None if it has."""
        if not len(self.classes):
            return "no labels"
        if not self.counts["unsupervised"].any():
            return "no labelled pixel in the validation crops"
        if name.startswith("linear") and not self.has_linear:
            return "no linear probe: no labelled training crops, or linear_steps is 0"
        if name.endswith("_crf") and not settings.crf:
            return "crf is off"
        if not self.counted(name).any():
            return "every labelled pixel is in a surplus cluster"
        return None

    def block(self, name: str) -> dict[str, Any]:
        """Accuracy, mean IoU and IoU by class name of a block, in percent."""
        result = score(self.counted(name), self.matching(name))
        iou = [None if value is None else round(value, DIGITS) for value in result.iou]
        return {
            "accuracy": round(result.accuracy, DIGITS),
            "miou": round(result.miou, DIGITS),
            "per_class": dict(zip(self.classes.names, iou, strict=True)),
        }

    def report(self, settings: "EvaluateSettings", images: int) -> dict[str, Any]:
        """The content of a seed's `metrics.json`; `matching` belongs to the clusters before the CRF."""
        reasons = {name: why for name in self.blocks if (why := self.reason(name, settings))}
        matching = self.matching("unsupervised").tolist() if self.pixels else []
        return {
            **{name: None if name in reasons else self.block(name) for name in self.blocks},
            "reasons": reasons,
            "matching": {
                str(cluster): None if of == UNMATCHED else self.classes.names[of]
                for cluster, of in enumerate(matching)
            },
            "counts": {"images": images, "pixels": self.pixels},
        }
