"""Fig. 6: the validation images that an experiment does worst on."""

from pathlib import Path

from depthg.errors import DepthGError
from depthg.report.figures.panels import Panel, lay_out, save
from depthg.report.figures.predictions import label_maps, make_palette, read_predictions


def draw_worst(worst: Path, classes: Path, out: Path) -> None:
    """Write a PNG with a row an image, the worst first: image, ground truth, prediction; accuracy in percent.

    Args:
        worst: `worst.npz` of a seed.
        classes: classes.csv.
        out: file to write.

    Raises:
        DepthGError: there are no labels, by which an image could be the worst.
    """
    shown = read_predictions(worst)
    if not len(shown["crops"]):
        raise DepthGError(
            f"{worst}: no image has a score: the worst are known only with labels and pictures > 0"
        )
    maps = label_maps(shown)
    palette = make_palette(maps, shown, classes)
    scores = tuple(f"{accuracy:.0f} %" for accuracy in shown["accuracy"])
    panels = [Panel("image", shown["images"], notes=scores)]
    panels += [Panel(title, palette.paint(ids)) for title, ids in maps.items()]
    save(lay_out(panels, palette.legend(list(maps.values()))), out)
