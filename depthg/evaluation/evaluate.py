"""Scores of one trained seed on the whole validation set, and predictions for its figure."""

from pathlib import Path
from typing import Any

import numpy as np

from depthg.config.settings import EvaluateSettings
from depthg.data.classes import check_labels, read_classes
from depthg.evaluation.codes import open_reader, open_split
from depthg.evaluation.images import Images, lowest_accuracies
from depthg.evaluation.metrics import apply_matching
from depthg.evaluation.predict import Prediction, add_refined, predict
from depthg.evaluation.probes import load_probes
from depthg.evaluation.scores import ConfusionCounts
from depthg.runtime.files import write_json
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
) -> None:
    """Write `metrics.json`, `predictions.npz` and `worst.npz` of one seed.

    Without labels only the crops of the figure are predicted, and all scores are null with a reason.

    Args:
        features: store of the validation tokens.
        crops: store of the validation crops.
        classes: classes.csv.
        model: the trained head.
        probes: its probes.
        out: folder of the seed.
        settings: of this stage.
        workers: processes for the CRF; the results do not depend on it.
    """
    feature_store, crop_store = open_split(features, crops)
    table, found = read_classes(classes), load_probes(probes)
    reader = open_reader(feature_store, model, cache_bytes=0)
    pictured = evenly_spaced(len(crop_store), settings.pictures)
    rows = list(range(len(crop_store))) if len(table) else pictured
    scored = predict(reader, found, crop_store, rows)
    predictions = add_refined(scored, workers) if settings.crf else (prediction for prediction, _ in scored)
    tally, pictures = ConfusionCounts(len(found.centroids), table, found.linear is not None), []
    images = Images(len(found.centroids), len(table))
    for prediction in track(predictions, len(rows), "evaluate"):
        if len(table):
            check_labels(prediction.label, len(table), str(crop_store.path))
            tally.add(prediction.maps, prediction.label)
            images.add(prediction)
        if prediction.crop in pictured:
            pictures.append(prediction)
    out.mkdir(parents=True, exist_ok=True)
    save_predictions(out / "predictions.npz", pictures, tally)
    save_worst(out / "worst.npz", images, crop_store, settings, tally)
    write_json(out / "metrics.json", tally.report(settings, len(crop_store)))


def evenly_spaced(crops: int, pictures: int) -> list[int]:
    """Up to `pictures` crop ids, evenly over the set."""
    return np.unique(np.linspace(0, crops - 1, min(pictures, crops)).round().astype(int)).tolist()


def save_worst(
    path: Path, images: Images, crops: Store, settings: EvaluateSettings, tally: ConfusionCounts
) -> None:
    """Write the images with the lowest accuracy, as `save_predictions` does, the worst first.

    And `accuracy` float32 [n] of those, and `accuracies` float32 [images] of all, in percent; none without labels.
    """
    accuracies, worst = np.empty(0, np.float32), list[int]()
    if tally.pixels:
        name = "unsupervised_crf" if settings.crf else "unsupervised"
        accuracies = images.accuracies(tally.matching(name))
        worst = lowest_accuracies(accuracies, settings.pictures)
    pictures = [images.prediction(crop, crops) for crop in worst]
    save_predictions(path, pictures, tally, accuracy=accuracies[worst], accuracies=accuracies)


def save_predictions(
    path: Path, pictures: list[Prediction], tally: ConfusionCounts, **further: np.ndarray
) -> None:
    """Write what the figure shows of n crops, and further arrays.

    `crops` int32 [n]; `images` uint8 [n, S, S, 3]; `labels`, `predictions` and, with the CRF, `refined`
    uint16 [n, S, S]; `matched`: whether predictions are class ids (255: an unmatched cluster) or cluster ids.
    """
    arrays: dict[str, Any] = {
        "crops": np.array([shown.crop for shown in pictures], np.int32),
        "images": np.array([shown.image for shown in pictures], np.uint8),
        "labels": np.array([shown.label for shown in pictures], np.uint16),
        "matched": np.array(tally.pixels > 0),
    }
    for key, name in {"predictions": "unsupervised", "refined": "unsupervised_crf"}.items():
        if not pictures or name in pictures[0].maps:
            maps = np.array([shown.maps[name] for shown in pictures], np.uint16)
            arrays[key] = apply_matching(maps, tally.matching(name)) if tally.pixels else maps
    arrays |= further
    draft = path.with_name(path.name + ".tmp.npz")
    np.savez_compressed(draft, **arrays)
    draft.replace(path)
