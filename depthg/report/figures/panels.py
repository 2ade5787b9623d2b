"""Common layout of the figures: titled columns of pictures above a legend."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

PANEL = 2.0  # inches
TITLE = 0.25  # inches
LEGEND_ROW = 0.18  # inches
CHARACTER = 0.075  # inches, mean width in the legend's font
DEPTH_COLORS = "magma_r"  # colour map; near is light
NOTE = {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 2}


@dataclass(frozen=True)
class Panel:
    """One column of a figure.

    Attributes:
        title: text above the column.
        pictures: RGB uint8 [n, S, S, 3], or values in [0, 1] [n, S, S] with a colour map.
        colors: name of matplotlib's colour map for values.
        notes: one text per picture, drawn in its corner; or none.
    """

    title: str
    pictures: np.ndarray
    colors: str | None = None
    notes: tuple[str, ...] = ()


def lay_out(panels: list[Panel], keys: list[Patch]) -> Figure:
    """Lay out panels side by side, and the legend below them in as many columns as fit."""
    rows = max(len(panels[0].pictures), 1)
    width = PANEL * len(panels)
    longest = max((len(str(key.get_label())) for key in keys), default=0)
    columns = max(1, min(len(keys), int(width / (0.5 + CHARACTER * longest))))
    legend = LEGEND_ROW * -(-len(keys) // columns) + 0.1
    height = TITLE + PANEL * rows + legend
    figure = Figure(figsize=(width, height), facecolor="white")
    edges = {"left": 0, "right": 1, "top": 1 - TITLE / height, "bottom": legend / height}
    gaps = {"wspace": 0.03, "hspace": 0.03}
    axes = figure.subplots(rows, len(panels), squeeze=False, gridspec_kw=edges | gaps)
    for axis in axes.flat:
        axis.set_axis_off()
    for column, panel in enumerate(panels):
        axes[0, column].set_title(panel.title, fontsize=10, pad=4)
        for axis, picture in zip(axes[:, column], panel.pictures, strict=False):  # no pictures: titles only
            axis.imshow(picture, cmap=panel.colors, vmin=0, vmax=1, interpolation="nearest")
        for axis, note in zip(axes[:, column], panel.notes, strict=False):
            axis.text(0.03, 0.03, note, transform=axis.transAxes, fontsize=8, color="white", bbox=NOTE)
    if keys:
        style = {"fontsize": 8, "frameon": False, "handlelength": 1.2, "borderpad": 0.2}
        figure.legend(handles=keys, loc="lower center", ncols=columns, **style)
    return figure


def save(figure: Figure, out: Path) -> None:
    """Write a figure as PNG; equal figures give equal bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=150, bbox_inches="tight", pad_inches=0.05, metadata={"Software": None})
