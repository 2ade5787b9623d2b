"""The figure of an experiment: validation crops with ground truth, prediction and depth side by side."""

import colorsys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from depthg.evaluation.classes import read_classes
from depthg.store import Store

PANEL = 2.0  # inches
TITLE = 0.25  # inches
LEGEND_ROW = 0.18  # inches
CHARACTER = 0.075  # inches, of the legend's font
VOID_COLOR = (225, 225, 225)
DEPTH_COLORS = "magma_r"  # near is light


@dataclass(frozen=True)
class Panel:
    """One column of the figure: n pictures, RGB uint8 [n, S, S, 3] or values [n, S, S] with a colour map."""

    title: str
    pictures: np.ndarray
    colors: str | None = None


@dataclass(frozen=True)
class Palette:
    """Names and RGB colours by class or cluster id; everything beyond, void included, is light grey."""

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    void: str

    def paint(self, labels: np.ndarray) -> np.ndarray:
        """Ids of any shape → RGB uint8 with a last axis of 3."""
        table = np.array([*self.colors, VOID_COLOR], np.uint8)
        return table[np.minimum(labels, len(self.colors))]

    def legend(self, labels: list[np.ndarray]) -> list[Patch]:
        """A coloured key for every id that occurs in `labels`."""
        names, colors = [*self.names, self.void], [*self.colors, VOID_COLOR]
        occurring = sorted({min(int(i), len(self.names)) for maps in labels for i in np.unique(maps)})
        return [
            Patch(
                facecolor="#{:02x}{:02x}{:02x}".format(*colors[i]),
                edgecolor="0.4",
                linewidth=0.5,
                label=names[i],
            )
            for i in occurring
        ]


def cluster_palette(clusters: int) -> Palette:
    """Colours for clusters without names; the golden angle keeps neighbouring ids apart."""
    colors: list[tuple[int, int, int]] = []
    for cluster in range(clusters):
        saturation, value = (0.75, 0.5)[cluster % 2], (0.9, 0.75, 0.55)[cluster % 3]
        red, green, blue = colorsys.hsv_to_rgb(cluster * 0.618034 % 1, saturation, value)
        colors.append((round(255 * red), round(255 * green), round(255 * blue)))
    return Palette(tuple(f"cluster {cluster}" for cluster in range(clusters)), tuple(colors), "none")


def draw(predictions: Path, depth: Path | None, classes: Path, out: Path) -> None:
    """Write a PNG with one row a crop: image, ground truth, prediction, prediction + CRF, depth.

    Args:
        predictions: `predictions.npz` of a seed.
        depth: validation depth store; none: no depth column.
        classes: classes.csv; where it is empty the figure shows clusters and no ground truth.
        out: file to write.
    """
    with np.load(predictions) as stored:
        shown = dict(stored)
    maps = {"prediction": shown["predictions"]}
    if "refined" in shown:
        maps["prediction + CRF"] = shown["refined"]
    if shown["matched"]:
        table = read_classes(classes)
        palette = Palette(table.names, table.colors, "void")
        maps = {"ground truth": shown["labels"], **maps}
    else:
        palette = cluster_palette(1 + max((int(m.max()) for m in maps.values() if m.size), default=0))
    panels = [Panel("image", shown["images"])]
    panels += [Panel(title, palette.paint(ids)) for title, ids in maps.items()]
    if depth is not None:
        panels.append(Panel("depth", Store(depth).read("depth", shown["crops"]), DEPTH_COLORS))
    figure = lay_out(panels, palette.legend(list(maps.values())))
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=150, bbox_inches="tight", pad_inches=0.05, metadata={"Software": None})


def lay_out(panels: list[Panel], keys: list[Patch]) -> Figure:
    """Columns of pictures under their titles, and the legend below them in as many columns as fit."""
    rows = max(len(panels[0].pictures), 1)
    width = PANEL * len(panels)
    longest = max((len(str(key.get_label())) for key in keys), default=0)
    columns = max(1, min(len(keys), int(width / (0.5 + CHARACTER * longest))))
    legend = LEGEND_ROW * -(-len(keys) // columns) + 0.1
    height = TITLE + PANEL * rows + legend
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.subplots(
        rows,
        len(panels),
        squeeze=False,
        gridspec_kw={
            "left": 0,
            "right": 1,
            "top": 1 - TITLE / height,
            "bottom": legend / height,
            "wspace": 0.03,
            "hspace": 0.03,
        },
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for column, panel in enumerate(panels):
        axes[0, column].set_title(panel.title, fontsize=10, pad=4)
        for axis, picture in zip(axes[:, column], panel.pictures, strict=False):  # none at all: titles only
            axis.imshow(picture, cmap=panel.colors, vmin=0, vmax=1, interpolation="nearest")
    if keys:
        figure.legend(
            handles=keys,
            loc="lower center",
            ncols=columns,
            fontsize=8,
            frameon=False,
            handlelength=1.2,
            borderpad=0.2,
        )
    return figure
