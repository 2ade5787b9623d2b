"""Scores of a segmentation: one table of counts over the whole set, Hungarian matching, accuracy and IoU."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from depthg.data.decode import VOID

UNMATCHED = -1


@dataclass(frozen=True)
class Score:
    """Accuracy, mean IoU and the IoU of each class, in percent; None where the class occurs nowhere."""

    accuracy: float
    miou: float
    iou: tuple[float | None, ...]


def confusion(prediction: np.ndarray, label: np.ndarray, clusters: int, classes: int) -> np.ndarray:
    """Pixels by predicted cluster and true class, int64 [clusters, classes]; void pixels are left out.

    Args:
        prediction: cluster ids, any shape.
        label: class ids below `classes` or 255, of the same shape.
        clusters: number of clusters.
        classes: number of classes.
    """
    valid = label != VOID
    cells = prediction[valid].astype(np.int64) * classes + label[valid]
    return np.bincount(cells, minlength=clusters * classes).reshape(clusters, classes)


def match(counts: np.ndarray) -> np.ndarray:
    """The one-to-one matching of clusters to classes with the most pixels in common (Hungarian method).

    Where the numbers differ, the clusters too many are left unmatched (-1), or the classes too many unused.

    Args:
        counts: int [clusters, classes].

    Returns:
        Class id of each cluster, int64 [clusters].
    """
    matching = np.full(len(counts), UNMATCHED, np.int64)
    clusters, classes = linear_sum_assignment(counts, maximize=True)
    matching[clusters] = classes
    return matching


def apply_matching(prediction: np.ndarray, matching: np.ndarray) -> np.ndarray:
    """Cluster ids → class ids uint16; an unmatched cluster becomes void (255)."""
    return np.where(matching == UNMATCHED, VOID, matching).astype(np.uint16)[prediction]


def score(counts: np.ndarray, matching: np.ndarray) -> Score:
    """Accuracy = trace/total, IoU = tp/(tp+fp+fn), mean IoU over classes that are in truth or prediction.

    Pixels of unmatched clusters predict nothing: they count as errors of their true class and against the
    accuracy. A class that no cluster was matched to has IoU 0.

    Args:
        counts: int [clusters, classes] with at least one pixel.
        matching: class id of each cluster, or -1.
    """
    classes = counts.shape[1]
    by_class = np.zeros((classes, classes), np.int64)
    matched = matching != UNMATCHED
    by_class[matching[matched]] = counts[matched]
    hits = by_class.diagonal()
    truth, predicted = counts.sum(axis=0), by_class.sum(axis=1)
    union = truth + predicted - hits
    iou = [100.0 * hit / whole if whole else None for hit, whole in zip(hits, union, strict=True)]
    present = [value for value in iou if value is not None]
    return Score(float(100 * hits.sum() / counts.sum()), float(np.mean(present)), tuple(iou))
