"""The demo data set: rendered where it is missing, and never among somebody's own files."""

from pathlib import Path

import pytest

import depthg.demo
from depthg.config.sections import Dataset
from depthg.data import demo as rendered
from depthg.data.classes import read_classes
from depthg.data.index import index
from depthg.data.records import read_images
from depthg.demo import CLASSES, PALETTE
from depthg.errors import DepthGError


@pytest.fixture
def small(monkeypatch):
    """The demo at a size that renders at once."""
    write = depthg.demo.write_dataset
    monkeypatch.setattr(
        depthg.demo,
        "write_dataset",
        lambda root, n_train, n_val, workers: write(root, n_train, n_val, 24, 32, 1),
    )


def test_rendered_and_indexed(tmp_path, small):
    index("demo", Dataset(kind="demo", root=str(tmp_path / "root"), n_train=2, n_val=1), tmp_path)
    images = read_images(tmp_path / "train/images.csv")
    assert [(Path(image.path).name, image.width, image.height) for image in images] == [
        ("00000.png", 32, 24),
        ("00001.png", 32, 24),
    ]
    classes = read_classes(tmp_path / "classes.csv")
    assert (classes.names, classes.colors) == (CLASSES, PALETTE)


def test_what_is_there_is_kept(tmp_path, small):
    rendered.find(tmp_path / "demo", Dataset(kind="demo", n_train=1, n_val=1))
    first = tmp_path / "demo/images/train/00000.png"
    written = first.stat().st_mtime_ns
    rendered.find(tmp_path / "demo", Dataset(kind="demo", n_train=1, n_val=1))
    assert first.stat().st_mtime_ns == written
    listing = rendered.find(tmp_path / "demo", Dataset(kind="demo", n_train=2, n_val=1))
    assert (len(listing.files["train"]), len(listing.files["val"])) == (2, 1)


def test_other_files_are_left_alone(tmp_path, small):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(DepthGError, match="holds files that are not the demo's"):
        rendered.find(tmp_path, Dataset(kind="demo", n_train=1, n_val=1))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
