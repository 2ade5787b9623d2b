"""Counts and predictions of every validation image, kept until clusters are matched to classes."""

import zlib

import numpy as np

from depthg.evaluation.metrics import confusion
from depthg.evaluation.predict import Prediction
from depthg.store.reader import Store

Packed = dict[str, bytes]


class Images:
    """Counts and predictions of single images: a few KB each, as label maps pack well.

    Args:
        clusters: number of clusters.
        classes: number of classes.
    """

    def __init__(self, clusters: int, classes: int):
        self.clusters, self.classes = clusters, classes
        self._counts: dict[int, np.ndarray] = {}
        self._maps: dict[int, Packed] = {}

    def add(self, shown: Prediction) -> None:
        """Keep the clusters of one image, refined by the CRF where it is on, and count them by class."""
        maps = {name: map_ for name, map_ in shown.maps.items() if name.startswith("unsupervised")}
        name = "unsupervised_crf" if "unsupervised_crf" in maps else "unsupervised"
        self._counts[shown.crop] = confusion(maps[name], shown.label, self.clusters, self.classes)
        self._maps[shown.crop] = {name: zlib.compress(map_.tobytes(), level=1) for name, map_ in maps.items()}

    def accuracies(self, matching: np.ndarray) -> np.ndarray:
        """Percent of each image's labelled pixels that are right, float32 [n], NaN where none is labelled.

        Args:
            matching: class id of each cluster, or -1, int [clusters].
        """
        matched = np.flatnonzero(matching >= 0)
        right = [count[matched, matching[matched]].sum() for count in self._counts.values()]
        total = [count.sum() or np.nan for count in self._counts.values()]
        return (100 * np.array(right) / np.array(total)).astype(np.float32)

    def prediction(self, crop: int, crops: Store) -> Prediction:
        """The prediction for one image, as it was when it was added."""
        image, label = (crops.read(name, [crop])[0] for name in ("images", "labels"))
        packed = self._maps[crop]
        maps = {
            name: np.frombuffer(zlib.decompress(data), np.uint16).reshape(label.shape)
            for name, data in packed.items()
        }
        return Prediction(crop, image, label, maps)


def lowest_accuracies(accuracies: np.ndarray, count: int) -> list[int]:
    """The places of up to `count` lowest accuracies float [n], the lowest first; NaN is none."""
    order = np.argsort(accuracies, kind="stable")
    return [int(place) for place in order[:count] if not np.isnan(accuracies[place])]
