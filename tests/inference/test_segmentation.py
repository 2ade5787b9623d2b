"""Classes of one name: a cluster may be called by hand what another was matched to."""

import numpy as np
import pytest
from PIL import Image

from depthg.inference.config import OutputClass
from depthg.inference.inputs import Input
from depthg.inference.journal import Journal
from depthg.inference.overlay import draw_overlay
from depthg.inference.picture import open_picture
from depthg.inference.segmentation import Segmentation

COLORS = [(0, 0, 255), (0, 255, 255), (9, 9, 9), (255, 0, 0)]
CLASSES = [OutputClass(name=n, color=c) for n, c in zip(("sky", "sky", "road", "sky"), COLORS, strict=True)]


@pytest.fixture
def found() -> Segmentation:
    """Half of the pixels of one sky, a quarter of the other and of the road; the third sky does not occur."""
    return Segmentation(np.repeat(np.array([[0, 0, 1, 2]], np.uint8), 40, 1).repeat(40, 0), CLASSES)


def test_areas_are_summed_by_name(found):
    assert found.areas() == {"sky": 0.75, "road": 0.25}
    assert Segmentation(np.full((2, 2), 255, np.uint8), CLASSES).areas() == {}


def test_so_is_the_table_of_areas(found, tmp_path):
    one = Input(tmp_path / "a.jpg", "a")
    journal = Journal(tmp_path, "model", {}, resume=False)
    journal.add(one, {"bytes": 1, "changed": 1}, found.pixels())
    journal.write_areas(tmp_path / "areas.csv", [one], found.names)
    assert (tmp_path / "areas.csv").read_text().splitlines()[1:] == [
        "a,sky,4800,75.000",
        "a,road,1600,25.000",
    ]


def test_the_legend_has_every_colour_that_occurs(found):
    picture = open_picture(Image.new("RGB", (160, 40)))
    legend = np.asarray(draw_overlay(picture, found))[40:]
    shown = {tuple(color) for color in legend.reshape(-1, 3).tolist()}
    assert shown >= set(COLORS[:3]) and COLORS[3] not in shown
