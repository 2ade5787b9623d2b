from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from depthg.data.clusters import ClusterEntry, make_clusters, plain_clusters
from depthg.report.figures.palette import cluster_palette
from depthg.report.figures.panels import Panel, lay_out
from depthg.report.figures.predictions import draw_predictions
from depthg.store.arrays import Array
from depthg.store.writer import Writer

HEADER = "id,name,red,green,blue\n"
CLASSES = HEADER + "0,road,128,64,128\n1,sky,70,130,180\n2,tree,107,142,35\n"


@pytest.fixture
def shown(tmp_path: Path) -> dict[str, np.ndarray]:
    """Two pictures of 16 pixels with all classes and void."""
    labels = np.array([0, 1, 2, 255], np.uint16).repeat(4)[None, :, None].repeat(2, 0).repeat(16, 2)
    images = np.full((2, 16, 16, 3), 90, np.uint8)
    return {
        "crops": np.array([0, 3], np.int32),
        "images": images,
        "labels": labels,
        "predictions": labels % 4 % 3,
        "refined": labels % 3,
        "matched": np.array(True),
    }


def picture(
    tmp_path: Path, shown: dict, depth: Path | None = None, classes: str = CLASSES, **options
) -> np.ndarray:
    """The figure's pixels, RGB 0 to 255."""
    np.savez(tmp_path / "predictions.npz", **shown)
    (tmp_path / "classes.csv").write_text(classes)
    files = tmp_path / "predictions.npz", depth, tmp_path / "classes.csv", tmp_path / "figure.png"
    draw_predictions(*files, **options)
    return (matplotlib.image.imread(tmp_path / "figure.png")[..., :3] * 255).round().astype(int)


def share(pixels: np.ndarray, color: tuple[int, int, int]) -> float:
    """How much of the picture has exactly a colour."""
    return float((pixels == color).all(axis=-1).mean())


def write_depth(path: Path) -> Path:
    depth = np.linspace(0, 1, 16, dtype=np.float16).reshape(4, 4)[None].repeat(4, 0)
    writer = Writer(path, 4, {"depth": Array((4, 4), "float16")}, {})
    writer.write(range(4), depth=depth)
    writer.finish()
    return path


def test_shows_the_classes_in_their_colours(tmp_path, shown):
    pixels = picture(tmp_path, shown)
    for color in [(128, 64, 128), (70, 130, 180), (107, 142, 35), (90, 90, 90)]:
        assert share(pixels, color) > 0.05


def test_depth_adds_a_column(tmp_path, shown):
    without = picture(tmp_path, shown)
    with_depth = picture(tmp_path, shown, write_depth(tmp_path / "depth.zarr"))
    assert with_depth.shape[1] / without.shape[1] == pytest.approx(5 / 4, abs=0.01)


def test_without_crf_there_is_one_column_less(tmp_path, shown):
    wide = picture(tmp_path, shown).shape[1]
    del shown["refined"]
    assert picture(tmp_path, shown).shape[1] / wide == pytest.approx(3 / 4, abs=0.01)


def test_without_labels_clusters_have_a_palette(tmp_path, shown):
    shown["matched"] = np.array(False)
    pixels = picture(tmp_path, shown, classes=HEADER)
    for color in cluster_palette(plain_clusters(3)).colors:
        assert share(pixels, color) > 0.02
    assert share(pixels, (128, 64, 128)) == 0


def test_named_clusters_have_their_colours_and_merged_ones_one(tmp_path, shown):
    shown["matched"] = np.array(False)
    said = [{"colour": "#123456", "name": "sky"}, {"as": 0}, {}]
    clusters = make_clusters([ClusterEntry.model_validate(one) for one in said], "here")
    pixels = picture(tmp_path, shown, classes=HEADER, clusters=clusters)
    assert share(pixels, (0x12, 0x34, 0x56)) > share(pixels, clusters.colors[2]) > 0.02
    assert share(pixels, plain_clusters(3).colors[1]) == 0


def test_no_pictures_at_all(tmp_path, shown):
    empty = {name: value if name == "matched" else value[:0] for name, value in shown.items()}
    assert picture(tmp_path, empty).size


def test_same_input_same_bytes(tmp_path, shown):
    picture(tmp_path, shown)
    first = (tmp_path / "figure.png").read_bytes()
    picture(tmp_path, shown)
    assert (tmp_path / "figure.png").read_bytes() == first


def test_cluster_colours_differ():
    assert len(set(cluster_palette(plain_clusters(60)).colors)) == 60


@pytest.mark.parametrize(("ids", "columns"), [(27, 5), (27, 3), (60, 2), (1, 4)])
def test_nothing_overlaps_the_legend(ids, columns):
    palette = cluster_palette(plain_clusters(ids))
    labels = np.arange(ids)[None, None].repeat(ids, 1)
    figure = lay_out([Panel("image", palette.paint(labels))] * columns, palette.legend([labels]))
    figure.canvas.draw()
    legend = figure.legends[0].get_window_extent()
    lowest = min(axis.get_window_extent().y0 for axis in figure.axes)
    assert legend.y1 <= lowest
    assert legend.y0 >= 0
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.x1
