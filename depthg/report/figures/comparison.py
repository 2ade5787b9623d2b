"""Fig. 4: validation images as several experiments see them, in the same colours."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from depthg.errors import DepthGError
from depthg.report.figures.panels import Panel, lay_out, save
from depthg.report.figures.predictions import Shown, make_palette, read_predictions


def draw_comparison(predictions: Sequence[Path], names: Sequence[str], classes: Path, out: Path) -> None:
    """Write a PNG with a row a crop: image, ground truth, and the prediction of each experiment after the CRF.

    Args:
        predictions: `predictions.npz` of a seed of each experiment, of the same images.
        names: of the experiments.
        classes: classes.csv.
        out: file to write.

    Raises:
        DepthGError: the experiments were evaluated on other images.
    """
    found = {name: read_predictions(path) for name, path in zip(names, predictions, strict=True)}
    first = next(iter(found.values()))
    for path, shown in zip(predictions, found.values(), strict=True):
        if not np.array_equal(shown["images"], first["images"]):
            raise DepthGError(f"{path}: of other images than {predictions[0]}: evaluate both anew")
    maps = _columns(found, first)
    palette = make_palette(maps, first, classes)
    panels = [Panel("image", first["images"])]
    panels += [Panel(title, palette.paint(ids)) for title, ids in maps.items()]
    save(lay_out(panels, palette.legend(list(maps.values()))), out)


def _columns(found: Mapping[str, Shown], first: Shown) -> dict[str, np.ndarray]:
    """Title and label maps [n, S, S] of each column."""
    truth = {"ground truth": first["labels"]} if first["matched"] else {}
    return truth | {name: shown.get("refined", shown["predictions"]) for name, shown in found.items()}
