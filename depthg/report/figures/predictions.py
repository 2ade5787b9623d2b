"""The figure of an experiment: validation crops with ground truth, prediction and depth side by side."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from depthg.data.classes import read_classes
from depthg.report.figures.palette import Palette, cluster_palette
from depthg.report.figures.panels import DEPTH_COLORS, Panel, lay_out, save
from depthg.store.reader import Store

Shown = dict[str, np.ndarray]  # pictures and what was predicted for them


def draw_predictions(predictions: Path, depth: Path | None, classes: Path, out: Path) -> None:
    """Write a PNG with one row a crop: image, ground truth, prediction, prediction + CRF, depth.

    Args:
        predictions: `predictions.npz` of a seed.
        depth: validation depth store; none: no depth column.
        classes: classes.csv; where it is empty the figure shows clusters and no ground truth.
        out: file to write.
    """
    shown = read_predictions(predictions)
    maps = label_maps(shown)
    palette = make_palette(maps, shown, classes)
    panels = [Panel("image", shown["images"])]
    panels += [Panel(title, palette.paint(ids)) for title, ids in maps.items()]
    if depth is not None:
        panels.append(Panel("depth", Store(depth).read("depth", shown["crops"]), DEPTH_COLORS))
    save(lay_out(panels, palette.legend(list(maps.values()))), out)


def read_predictions(path: Path) -> Shown:
    """The arrays of a `predictions.npz` or `worst.npz`; see depthg.evaluation.evaluate.save_pictures."""
    with np.load(path) as stored:
        return dict(stored)


def label_maps(shown: Shown) -> dict[str, np.ndarray]:
    """Title and label maps [n, S, S]: ground truth where there is one, predictions plain and refined."""
    truth = {"ground truth": shown["labels"]} if shown["matched"] else {}
    refined = {"prediction + CRF": shown["refined"]} if "refined" in shown else {}
    return truth | {"prediction": shown["predictions"]} | refined


def make_palette(maps: Mapping[str, np.ndarray], shown: Shown, classes: Path) -> Palette:
    """The colours of the classes in classes.csv or, without labels, of clusters."""
    if shown["matched"]:
        table = read_classes(classes)
        return Palette(table.names, table.colors, "void")
    return cluster_palette(1 + max((int(ids.max()) for ids in maps.values() if ids.size), default=0))
