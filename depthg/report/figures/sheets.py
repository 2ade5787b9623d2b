"""Contact sheets: a picture a cluster, with patches of the images in which it lies, and one of all clusters."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from depthg.data.clusters import Clusters
from depthg.data.spaced import evenly_spaced
from depthg.report.figures.panels import save
from depthg.report.gallery import Gallery, Look

ACROSS = 6  # patches side by side on the sheet of a cluster
IN_OVERVIEW = 8  # patches of a cluster in the overview
PATCH = 1.0  # inches
TEXT = 2.4  # inches, of the text beside a row of the overview
TITLE = 0.45  # inches, above a sheet


def draw_sheets(gallery: Gallery, clusters: Clusters, out: Path) -> list[Path]:
    """Write `overview.png` and a PNG a cluster, named by its number; pictures of other clusters there are deleted.

    Returns:
        The paths, the overview first.
    """
    digits = len(str(len(clusters) - 1))
    sheets = {out / f"{look.number:0{digits}}.png": look for look in gallery.looks}
    for stale in {path for path in out.glob("*.png") if path.stem.isdigit()} - sheets.keys():
        stale.unlink()
    save(_overview(gallery, clusters), out / "overview.png")
    for path, look in sheets.items():
        save(_sheet(look, gallery, clusters), path)
    return [out / "overview.png", *sheets]


def describe(look: Look, gallery: Gallery, clusters: Clusters) -> list[str]:
    """The lines that are said of a cluster: number and name, share, number of images, nearest class."""
    name = clusters.names[look.number]
    others = [str(k) for k, to in enumerate(clusters.target) if to == look.number and k != look.number]
    title = name if name == f"cluster {look.number}" else f"{look.number}: {name}"
    nearest = look.nearest(gallery.classes)
    return [
        title + (f" (with {', '.join(others)})" if others else ""),
        f"{look.share:.1%} of tokens",
        f"in {look.images} of {gallery.crops} images",
        *([f"nearest class: {nearest}"] if nearest else []),
    ]


def _overview(gallery: Gallery, clusters: Clusters) -> Figure:
    """A row a cluster: its colour, what is said of it, patches."""
    rows = max(len(gallery.looks), 1)
    width, height = TEXT + PATCH * IN_OVERVIEW, PATCH * rows
    figure = Figure(figsize=(width, height), facecolor="white")
    for row, look in enumerate(gallery.looks):
        above = 1 - row / rows
        title, *lines = describe(look, gallery, clusters)
        color = np.array(clusters.colors[look.number]) / 255
        swatch = figure.add_axes((0.005, above - 0.9 / rows, 0.012, 0.8 / rows), facecolor=color)
        swatch.set(xticks=[], yticks=[])
        figure.text(0.025, above - 0.12 / rows, title, fontsize=9, weight="bold", va="top", parse_math=False)
        figure.text(0.025, above - 0.36 / rows, "\n".join(lines), fontsize=8, va="top", parse_math=False)
        for place, patch in enumerate(look.patches[evenly_spaced(len(look.patches), IN_OVERVIEW)]):
            left = (TEXT + PATCH * place) / width
            _show(figure, patch, (left, above - 0.98 / rows, 0.97 * PATCH / width, 0.96 / rows))
    return figure


def _sheet(look: Look, gallery: Gallery, clusters: Clusters) -> Figure:
    rows = max(1, -(-len(look.patches) // ACROSS))
    width, height = 1.5 * PATCH * ACROSS, 1.5 * PATCH * rows + TITLE
    figure = Figure(figsize=(width, height), facecolor="white")
    title, *lines = describe(look, gallery, clusters)
    color = np.array(clusters.colors[look.number]) / 255
    figure.add_axes((0.005, 1 - 0.85 * TITLE / height, 0.02, 0.7 * TITLE / height), facecolor=color).set(
        xticks=[], yticks=[]
    )
    text = f"{title}  ·  {'  ·  '.join(lines)}"
    figure.text(0.035, 1 - TITLE / height / 2, text, fontsize=10, va="center", parse_math=False)
    for place, patch in enumerate(look.patches):
        row, column = divmod(place, ACROSS)
        above = 1 - (TITLE + 1.5 * PATCH * (row + 1)) / height
        _show(figure, patch, (column / ACROSS, above, 0.98 / ACROSS, 0.98 * 1.5 * PATCH / height))
    return figure


def _show(figure: Figure, patch: np.ndarray, place: tuple[float, float, float, float]) -> None:
    axis = figure.add_axes(place)
    axis.imshow(patch, interpolation="nearest")
    axis.set_axis_off()
