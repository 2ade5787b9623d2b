"""Segmentation metrics: confusion counts, classes of clusters (one to one, or by majority), accuracy and IoU."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from depthg.data.classes import VOID

UNMATCHED = -1  # class id of a cluster without a class


@dataclass(frozen=True)
class Score:
    """Accuracy, mean IoU and IoU of each class in percent; None for a class in neither ground truth nor prediction."""

    accuracy: float
    miou: float
    iou: tuple[float | None, ...]


def confusion(prediction: np.ndarray, label: np.ndarray, clusters: int, classes: int) -> np.ndarray:
    """Count pixels by predicted cluster and true class, without void pixels.

    Args:
        prediction: cluster ids below `clusters`, any shape.
        label: class ids below `classes`, or 255 (void), of the same shape.
        clusters: number of clusters.
        classes: number of classes.

    Returns:
        int64 [clusters, classes].

    Example:
        >>> confusion(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 255]), clusters=2, classes=2)
        array([[0, 2],
               [1, 0]])
    """
    valid = label != VOID
    cells = prediction[valid].astype(np.int64) * classes + label[valid]
    return np.bincount(cells, minlength=clusters * classes).reshape(clusters, classes)


def at_tokens(labels: np.ndarray, grid: Iterable[int]) -> np.ndarray:
    """The labels [n, H, W] at the middle of each token of a grid (h, w): [n, h, w]."""
    rows, columns = (
        ((np.arange(count) + 0.5) * length / count).astype(int)
        for count, length in zip(grid, labels.shape[1:], strict=True)
    )
    return labels[:, rows[:, None], columns]


def match(counts: np.ndarray) -> np.ndarray:
    """Match clusters to classes one to one, maximising the number of common pixels (Hungarian method).

    With more clusters than classes, some clusters stay unmatched; with fewer, some classes have no cluster.

    Args:
        counts: pixels by cluster and class, int [clusters, classes].

    Returns:
        Class id of each cluster, −1 if unmatched, int64 [clusters].

    Example:
        >>> match(np.array([[0, 2], [1, 0], [0, 1]]))
        array([ 1,  0, -1])
    """
    from scipy.optimize import linear_sum_assignment  # slow to import; most that use this module do not match

    matching = np.full(len(counts), UNMATCHED, np.int64)
    clusters, classes = linear_sum_assignment(counts, maximize=True)
    matching[clusters] = classes
    return matching


def majority(counts: np.ndarray) -> np.ndarray:
    """Give each cluster the class of most of its pixels, many clusters to one class if need be.

    With this, the accuracy is the purity of the clusters: it only rises as clusters are split, up to 100 % for one
    cluster a pixel. Compare it between equal numbers of clusters.

    Args:
        counts: pixels by cluster and class, int [clusters, classes].

    Returns:
        Class id of each cluster, the lowest of equals, −1 for a cluster without pixels, int64 [clusters].

    Example:
        >>> majority(np.array([[0, 2], [1, 0], [3, 3], [0, 0]]))
        array([ 1,  0,  0, -1])
    """
    return np.where(counts.any(axis=1), counts.argmax(axis=1), UNMATCHED)


def apply_matching(prediction: np.ndarray, matching: np.ndarray) -> np.ndarray:
    """Map cluster ids, of any shape, to class ids uint16; unmatched clusters become void (255)."""
    return np.where(matching == UNMATCHED, VOID, matching).astype(np.uint16)[prediction]


def score(counts: np.ndarray, matching: np.ndarray) -> Score:
    """Pixel accuracy, IoU = tp / (tp + fp + fn) of each class, and their mean over classes that occur.

    A class occurs if it is in the ground truth or the prediction. Pixels of unmatched clusters are errors: false
    negatives of their true class. A class in the ground truth to which no cluster is matched has IoU 0. Clusters of
    one class count as one.

    Args:
        counts: pixels by cluster and class, int [clusters, classes], not all 0.
        matching: class id of each cluster, −1 if unmatched, int [clusters].

    Example:
        >>> round(score(np.array([[0, 2], [1, 0], [0, 1]]), np.array([1, 0, -1])).miou, 1)  # of 100 % and 2/3
        83.3
    """
    classes = counts.shape[1]
    by_class = np.zeros((classes, classes), np.int64)
    matched = matching != UNMATCHED
    np.add.at(by_class, matching[matched], counts[matched])
    hits = by_class.diagonal()
    truth, predicted = counts.sum(axis=0), by_class.sum(axis=1)
    union = truth + predicted - hits
    iou = [100.0 * hit / whole if whole else None for hit, whole in zip(hits, union, strict=True)]
    present = [value for value in iou if value is not None]
    return Score(float(100 * hits.sum() / counts.sum()), float(np.mean(present)), tuple(iou))
