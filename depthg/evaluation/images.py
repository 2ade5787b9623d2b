"""Counts and predictions of every validation image, kept until clusters are matched to classes."""

import zlib

import numpy as np

from depthg.evaluation.metrics import confusion
from depthg.evaluation.predict import Prediction
from depthg.store.reader import Store


class ImagePredictions:
    """Confusion counts and compressed predictions of each image, a few KB per image.

    Args:
        clusters: number of clusters.
        classes: number of classes.
    """

    def __init__(self, clusters: int, classes: int):
        self.clusters, self.classes = clusters, classes
        self._counts: dict[int, np.ndarray] = {}
        self._maps: dict[int, dict[str, bytes]] = {}

    def add(self, prediction: Prediction) -> None:
        """Store the cluster maps of one image, and count clusters by class (after the CRF, if it is on)."""
        maps = {name: map_ for name, map_ in prediction.maps.items() if name.startswith("unsupervised")}
        name = "unsupervised_crf" if "unsupervised_crf" in maps else "unsupervised"
        self._counts[prediction.crop] = confusion(maps[name], prediction.label, self.clusters, self.classes)
        self._maps[prediction.crop] = {
            name: zlib.compress(map_.tobytes(), level=1) for name, map_ in maps.items()
        }

    def accuracies(self, matching: np.ndarray) -> np.ndarray:
        """Pixel accuracy of each image in percent, float32 [n]; NaN without labelled pixels.

        Args:
            matching: class id of each cluster that is scored, int [k], −1 if unmatched; pixels of further clusters are
                not counted.
        """
        matched = np.flatnonzero(matching >= 0)
        right = [count[matched, matching[matched]].sum() for count in self._counts.values()]
        total = [count[: len(matching)].sum() or np.nan for count in self._counts.values()]
        return (100 * np.array(right) / np.array(total)).astype(np.float32)

    def prediction(self, crop: int, crops: Store) -> Prediction:
        """Restore the prediction that was added for an image; its pixels and labels are read from the crop store."""
        image, label = (crops.read(name, [crop])[0] for name in ("images", "labels"))
        packed = self._maps[crop]
        maps = {
            name: np.frombuffer(zlib.decompress(data), np.uint16).reshape(label.shape)
            for name, data in packed.items()
        }
        return Prediction(crop, image, label, maps)


def lowest(values: np.ndarray, count: int) -> list[int]:
    """Indices of up to `count` lowest values float [n], the lowest first; NaN is skipped."""
    order = np.argsort(values, kind="stable")
    return [int(index) for index in order[:count] if not np.isnan(values[index])]
