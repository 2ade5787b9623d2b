"""Figures of validation images: predictions of an experiment, of several (Fig. 4), and the worst ones (Fig. 6)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from depthg.data.classes import read_classes
from depthg.data.clusters import Clusters, plain_clusters
from depthg.errors import DepthGError
from depthg.report.figures.palette import Palette, cluster_palette
from depthg.report.figures.panels import DEPTH_COLORS, Panel, lay_out, save
from depthg.store.reader import Store

Predictions = dict[str, np.ndarray]  # content of predictions.npz: depthg.evaluation.evaluate


def draw_predictions(
    predictions: Path, depth: Path | None, classes: Path, out: Path, clusters: Clusters | None = None
) -> None:
    """Write a PNG with one row per crop: image, ground truth, prediction, prediction + CRF, depth.

    Args:
        predictions: predictions.npz of a seed.
        depth: depth store of the validation split, or None to omit the depth column.
        classes: classes.csv; if it is empty, the figure shows clusters and no ground truth.
        clusters: names, colours and merges of the clusters, where they are shown; None: plain ones.
    """
    shown = read_predictions(predictions)
    last = [] if depth is None else [Panel("depth", Store(depth).read("depth", shown["crops"]), DEPTH_COLORS)]
    _draw(Panel("image", shown["images"]), _label_maps(shown), last, shown, classes, out, clusters)


def draw_comparison(predictions: Sequence[Path], names: Sequence[str], classes: Path, out: Path) -> None:
    """Fig. 4: write a PNG with one row per crop: image, ground truth, and the refined prediction of each experiment.

    Args:
        predictions: predictions.npz of one seed of each experiment, for the same images.
        names: names of the experiments, as column titles.

    Raises:
        DepthGError: the experiments were evaluated on different images.
    """
    found = {name: read_predictions(path) for name, path in zip(names, predictions, strict=True)}
    first = next(iter(found.values()))
    for path, shown in zip(predictions, found.values(), strict=True):
        if not np.array_equal(shown["images"], first["images"]):
            raise DepthGError(f"{path}: of other images than {predictions[0]}: evaluate both anew")
    maps = {name: shown.get("refined", shown["predictions"]) for name, shown in found.items()}
    _draw(Panel("image", first["images"]), _truth(first) | maps, [], first, classes, out)


def draw_worst(worst: Path, classes: Path, out: Path) -> None:
    """Fig. 6: write a PNG with one row per image of a worst.npz: image with its accuracy, ground truth, prediction.

    Raises:
        DepthGError: no image has a score, for lack of labels or because `pictures` is 0.
    """
    shown = read_predictions(worst)
    if not len(shown["crops"]):
        raise DepthGError(
            f"{worst}: no image has a score: the worst are known only with labels and pictures > 0"
        )
    scores = tuple(f"{accuracy:.0f} %" for accuracy in shown["accuracy"])
    _draw(Panel("image", shown["images"], notes=scores), _label_maps(shown), [], shown, classes, out)


def read_predictions(path: Path) -> Predictions:
    """Read all arrays of a predictions.npz or worst.npz.

    Raises:
        DepthGError: the file is missing, damaged, or holds other objects than arrays.
    """
    try:
        with np.load(path) as stored:
            content = dict(stored)
        if not all(isinstance(value, np.ndarray) for value in content.values()):
            raise ValueError("other objects than arrays")
        return content
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DepthGError(
            f"{path}: not readable as predictions ({type(error).__name__}): `snakemake {path}` makes it again"
        ) from None


def _label_maps(shown: Predictions) -> dict[str, np.ndarray]:
    """Label maps [n, S, S] by column title: ground truth if there is one, predictions before and after the CRF."""
    refined = {"prediction + CRF": shown["refined"]} if "refined" in shown else {}
    return _truth(shown) | {"prediction": shown["predictions"]} | refined


def _truth(shown: Predictions) -> dict[str, np.ndarray]:
    return {"ground truth": shown["labels"]} if shown["matched"] else {}


def _draw(
    first: Panel,
    maps: Mapping[str, np.ndarray],
    last: list[Panel],
    shown: Predictions,
    classes: Path,
    out: Path,
    clusters: Clusters | None = None,
) -> None:
    """Write a figure with columns of label maps between other columns, and a legend of classes or clusters."""
    palette = _palette(maps, shown, classes, clusters)
    if clusters and not shown["matched"]:
        maps = {title: clusters.merged[ids] for title, ids in maps.items()}
    columns = [Panel(title, palette.paint(ids)) for title, ids in maps.items()]
    save(lay_out([first, *columns, *last], palette.legend(list(maps.values()))), out)


def _palette(
    maps: Mapping[str, np.ndarray], shown: Predictions, classes: Path, clusters: Clusters | None
) -> Palette:
    """Colours of the classes in classes.csv or, without labels, of clusters."""
    if shown["matched"]:
        table = read_classes(classes)
        return Palette(table.names, table.colors, "void")
    count = 1 + max((int(ids.max()) for ids in maps.values() if ids.size), default=0)
    return cluster_palette(clusters or plain_clusters(count))
