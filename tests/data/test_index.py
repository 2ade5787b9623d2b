"""Indexing a folder: what is checked, what is written, what is skipped."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import depthg.data.index
from depthg.config.sections import Dataset
from depthg.data.classes import named_classes, read_classes
from depthg.data.index import index
from depthg.data.records import read_images
from depthg.errors import DepthGError
from depthg.runtime import progress


def _image(path: Path, width: int = 8, height: int = 6) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (10, 20, 30)).save(path)


def _label(path: Path, ids: list[int], width: int = 8, height: int = 6) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.resize(np.array(ids, np.uint16), (height, width))).save(path)


@pytest.fixture
def root(tmp_path):
    """Two training images and a validation image, without labels."""
    for name in ("train/a.png", "train/b.png", "val/c.png"):
        _image(tmp_path / "root/images" / name)
    return tmp_path / "root"


@pytest.fixture
def messages(monkeypatch):
    """Messages to the user."""
    lines = []
    monkeypatch.setattr(progress, "info", lines.append)
    monkeypatch.setattr(depthg.data.index, "info", lines.append)
    return lines


@pytest.fixture
def labelled(root):
    """The same with labels of the classes 0, 1 and 2."""
    for name in ("train/a.png", "train/b.png", "val/c.png"):
        _label(root / "labels" / name, [0, 1, 255, 2])
    return root


def _index(root: Path, **settings) -> Path:
    out = root.parent / "out"
    index("mine", Dataset(root=str(root), **settings), out)
    return out


def test_images_without_labels(root, messages):
    _image(root / "images/train/b.png", 20, 9)
    out = _index(root)
    first, second = read_images(out / "train/images.csv")
    assert (first.id, first.path, first.label) == (0, f"{root}/images/train/a.png", "")
    assert (second.id, second.width, second.height) == (1, 20, 9)
    assert len(read_images(out / "val/images.csv")) == 1
    assert len(read_classes(out / "classes.csv")) == 0
    assert messages == ["mine: 2 train images, 1 val images, no classes"]


def test_paths_stay_as_the_user_wrote_them(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    assert read_images(_index(Path("root")) / "val/images.csv")[0].path == "root/images/val/c.png"


def test_sizes_are_those_of_the_upright_image(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(root / "images/train/a.png", exif=exif)
    record = read_images(_index(root) / "train/images.csv")[0]
    assert (record.width, record.height) == (6, 8)


def test_classes_come_from_the_file(labelled):
    (labelled / "classes.txt").write_text("sky\nroad\ncar\n")
    out = _index(labelled)
    assert read_classes(out / "classes.csv") == named_classes(["sky", "road", "car"])
    assert read_images(out / "val/images.csv")[0].label == f"{labelled}/labels/val/c.png"


def test_classes_come_from_the_ids(labelled):
    classes = read_classes(_index(labelled) / "classes.csv")
    assert classes == named_classes(["class_0", "class_1", "class_2"])


def test_gaps_between_ids_are_warned_about(labelled, messages):
    _label(labelled / "labels/val/c.png", [0, 4])
    assert len(read_classes(_index(labelled) / "classes.csv")) == 5
    assert messages[0].startswith(f"warning: {labelled}/labels: 4 ids up to 4, so 5 classes are assumed")


def test_an_id_without_a_class_is_named(labelled):
    (labelled / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(
        DepthGError, match=r"train/a\.png: id 2 is neither of a class \(0-1\) nor void \(255\): correct"
    ):
        _index(labelled)


def test_a_label_of_another_size_is_named(labelled):
    _label(labelled / "labels/train/b.png", [0], width=7)
    with pytest.raises(DepthGError, match=r"labels/train/b\.png: 7 by 6 pixels, its image 8 by 6: save"):
        _index(labelled)


def test_a_bad_image_stops_and_leaves_nothing(root):
    (root / "images/val/c.png").write_text("no image")
    with pytest.raises(DepthGError, match=r"val/c\.png: not an image.*on_bad_image: skip"):
        _index(root)
    assert not (root.parent / "out").exists()


@pytest.mark.parametrize("bad", ["images/train/a.png", "labels/train/a.png"])
def test_a_bad_image_is_skipped_on_demand(labelled, bad, messages):
    (labelled / bad).write_bytes((labelled / bad).read_bytes()[:-30])
    out = _index(labelled, on_bad_image="skip")
    assert [(one.id, Path(one.path).name) for one in read_images(out / "train/images.csv")] == [(0, "b.png")]
    assert messages[0].startswith(f"warning: skipped {labelled / bad}: not an image")


def test_nothing_left_after_skipping_is_an_error(root):
    (root / "images/val/c.png").write_text("no image")
    with pytest.raises(DepthGError, match=r"mine: val images: none of 1 can be read"):
        _index(root, on_bad_image="skip")


def test_an_unknown_kind_suggests_the_nearest(root):
    with pytest.raises(DepthGError, match=r"datasets\.mine: unknown kind 'foldr': did you mean 'folder'"):
        _index(root, kind="foldr")
