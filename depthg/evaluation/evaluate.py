"""Evaluation of one trained seed on the whole validation set: scores, and predictions for the figures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from depthg.config.settings import EvaluateSettings
from depthg.data.classes import check_labels, read_classes
from depthg.data.spaced import evenly_spaced
from depthg.evaluation.codes import CodeReader, open_mirrored, open_reader, open_split
from depthg.evaluation.images import ImagePredictions, lowest
from depthg.evaluation.metrics import apply_matching
from depthg.evaluation.predict import Prediction, add_refined, predict
from depthg.evaluation.probes import Probes, load_probes
from depthg.evaluation.scores import ConfusionCounts
from depthg.evaluation.training import TrainingSplit, count_training
from depthg.models.sealed import check_origin
from depthg.runtime.device import device
from depthg.runtime.files import fingerprint, replacing, write_json
from depthg.runtime.progress import track
from depthg.store.reader import Store


def evaluate(
    features: Path,
    crops: Path,
    classes: Path,
    model: Path,
    probes: Path,
    out: Path,
    settings: EvaluateSettings,
    workers: int,
    training: TrainingSplit | None = None,
    mirrored: Path | None = None,
) -> None:
    """Write `metrics.json`, `predictions.npz`, `worst.npz` and `best.npz` of one seed.

    Without labels only the crops of the figure are predicted, and every score is null with a reason.

    Args:
        features: feature store of the validation split.
        crops: crop store of the validation split.
        classes: classes.csv.
        model: trained head, model.safetensors.
        probes: probes of this head, probes.safetensors.
        out: folder of the seed, created if missing.
        settings: evaluation settings.
        workers: number of CRF processes; the results do not depend on it.
        training: the training crops; required if the settings match clusters by their labels.
        mirrored: feature store of the mirrored validation crops, read with the setting `flip`.

    Raises:
        DepthGError: stores, model and probes do not fit each other, a label is not a class id, or there
            are no training labels to match clusters by.
    """
    feature_store, crop_store = open_split(features, crops)
    table, fitted = read_classes(classes), load_probes(probes).to(device())
    matched_by = None
    if settings.matching == "train":
        matched_by = count_training(training, len(table), model, fitted, settings.enlarged)
    mirror = open_mirrored(mirrored, feature_store) if settings.flip else None
    reader = open_reader(feature_store, model, cache_bytes=0, mirrored=mirror)
    head = getattr(reader.head, "digest", None)
    check_origin(probes, fitted.made_from, model=head)
    clusters = len(fitted.centroids)
    counts = ConfusionCounts(
        clusters, table, fitted.linear is not None, settings.surplus_clusters, matched_by
    )
    images = ImagePredictions(clusters, len(table))
    pictured, pictures = evenly_spaced(len(crop_store), settings.pictures), []
    rows = list(range(len(crop_store))) if len(table) else pictured
    predictions = _predictions(reader, fitted, crop_store, rows, settings, workers)
    for prediction in track(predictions, len(rows), "evaluate"):
        if len(table):
            check_labels(prediction.label, len(table), str(crop_store.path))
            counts.add(prediction.maps, prediction.label)
            images.add(prediction)
        if prediction.crop in pictured:
            pictures.append(prediction)
    out.mkdir(parents=True, exist_ok=True)
    final = final_maps(settings)
    matched = {"confusion": counts.counts[final], "matching": counts.matching(final)}
    save_predictions(out / "predictions.npz", pictures, counts, **matched)
    save_extremes(out, images, crop_store, settings, counts)
    made_from = {
        "settings": fingerprint(settings.model_dump()),
        "features": feature_store.fingerprint,
        "crops": crop_store.fingerprint,
        "model": head,
        "probes": fitted.made_from.get("digest"),
    }
    write_json(out / "metrics.json", counts.report(settings, len(crop_store)) | {"made_from": made_from})


def _predictions(
    reader: CodeReader,
    probes: Probes,
    crops: Store,
    rows: list[int],
    settings: EvaluateSettings,
    workers: int,
) -> Iterator[Prediction]:
    """The predictions of crops, refined by the CRF if it is on."""
    predicted = predict(reader, probes, crops, rows, settings.enlarged)
    if settings.crf:
        return add_refined(predicted, workers, settings.crf_channels)
    return (prediction for prediction, _ in predicted)


def final_maps(settings: EvaluateSettings) -> str:
    """The kind of maps that figures show: those of the clusters, after the CRF if it is on."""
    return "unsupervised_crf" if settings.crf else "unsupervised"


def save_extremes(
    out: Path, images: ImagePredictions, crops: Store, settings: EvaluateSettings, counts: ConfusionCounts
) -> None:
    """Write `worst.npz` and `best.npz`, in the format of `save_predictions`: the images of lowest and highest accuracy.

    Additional arrays, in percent: `accuracy` float32 [n] of these images, the most extreme first, and `accuracies`
    float32 [images] of all. Without labels all arrays have length 0.
    """
    accuracies, count = np.empty(0, np.float32), 0
    if counts.pixels:
        matching = counts.matching(final_maps(settings))
        accuracies, count = images.accuracies(matching[: counts.scored]), settings.pictures
    for name, order in (("worst", accuracies), ("best", -accuracies)):
        chosen = lowest(order, count)
        pictures = [images.prediction(crop, crops) for crop in chosen]
        extra = {"accuracy": accuracies[chosen], "accuracies": accuracies}
        save_predictions(out / f"{name}.npz", pictures, counts, **extra)


def save_predictions(
    path: Path, pictures: list[Prediction], counts: ConfusionCounts, **extra: np.ndarray
) -> None:
    """Write the predictions for n crops as npz.

    Arrays: `crops` int32 [n], row numbers; `images` uint8 [n, S, S, 3]; `labels`, `predictions` and, with the CRF,
    `refined` uint16 [n, S, S]; `matched` bool: whether predictions are class ids (255 = unmatched) or cluster ids.
    In predictions.npz also, of all validation pixels after the CRF, if it is on: `confusion` int64 [clusters, classes],
    and `matching` int64 [clusters], the class id of each cluster, −1 if unmatched.
    """
    arrays: dict[str, Any] = {
        "crops": np.array([prediction.crop for prediction in pictures], np.int32),
        "images": np.array([prediction.image for prediction in pictures], np.uint8),
        "labels": np.array([prediction.label for prediction in pictures], np.uint16),
        "matched": np.array(counts.pixels > 0),
    }
    for key, name in {"predictions": "unsupervised", "refined": "unsupervised_crf"}.items():
        if not pictures or name in pictures[0].maps:
            maps = np.array([prediction.maps[name] for prediction in pictures], np.uint16)
            arrays[key] = apply_matching(maps, counts.matching(name)) if counts.pixels else maps
    arrays |= extra
    with replacing(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
