"""Confusion counts of training crops, by which clusters get their classes with `matching: train`."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from depthg.data.classes import check_labels
from depthg.errors import DepthGError
from depthg.evaluation.codes import open_reader, open_split
from depthg.evaluation.metrics import confusion
from depthg.evaluation.predict import predict
from depthg.evaluation.probes import Probes
from depthg.runtime.progress import track

CROPS = 2000  # at most so many are predicted


class TrainingSplit(NamedTuple):
    """Paths of the training crops: their feature store and their crop store."""

    features: Path
    crops: Path


def count_training(
    split: TrainingSplit | None, classes: int, model: Path, probes: Probes, enlarged: str = "logits"
) -> np.ndarray:
    """Count pixels of training crops by cluster, before the CRF, and class.

    Of more than `CROPS` crops, a random sample is counted: the same for every seed and experiment.

    Args:
        split: the training crops.
        classes: number of classes.
        model: trained head, model.safetensors.
        probes: probes of this head, on the device.
        enlarged: setting `enlarged`, as for the crops that are scored.

    Returns:
        int64 [clusters, classes].

    Raises:
        DepthGError: no training crops are given, or they have no labelled pixel.
    """
    if split is None:
        raise DepthGError(
            "settings: matching: train needs training crops: give them, or set it to validation"
        )
    feature_store, crop_store = open_split(*split)
    reader = open_reader(feature_store, model, cache_bytes=0, trained_on=True)
    rows = sample_crops(len(crop_store)) if classes else []
    counts = np.zeros((len(probes.centroids), classes), np.int64)
    for prediction, _ in track(
        predict(reader, Probes(probes.centroids, None), crop_store, rows, enlarged),
        len(rows),
        "match by training labels",
    ):
        check_labels(prediction.label, classes, str(crop_store.path))
        counts += confusion(prediction.maps["unsupervised"], prediction.label, *counts.shape)
    if not counts.any():
        raise DepthGError(
            f"{crop_store.path}: no labelled pixel in {len(rows):,} training crops: settings: matching: train needs "
            "labels of training images: add them, or set it to validation"
        )
    return counts


def sample_crops(crops: int) -> list[int]:
    """Up to `CROPS` row numbers below `crops`, ascending; random: a regular step could select one corner of all."""
    return np.sort(np.random.default_rng(0).permutation(crops)[:CROPS]).tolist()
