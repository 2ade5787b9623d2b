"""COCO-Stuff as its providers ship it: lists, pairs of files, and the 182 ids one by one."""

import numpy as np
import pytest
from PIL import Image

from depthg.config.sections import Dataset
from depthg.config.settings import CropSettings
from depthg.data.classes import read_classes
from depthg.data.cocostuff import COUNTS, find
from depthg.data.index import index
from depthg.data.records import read_images
from depthg.errors import DepthGError
from depthg.stages.crops import make_crops
from depthg.store.reader import Store

COCO = Dataset(kind="cocostuff")
# The coarse class of the fine ids 0 … 181 in their order, ten a row.
COARSE = [
    *(9, 11, 11, 11, 11, 11, 11, 11, 11, 8),
    *(8, 8, 8, 8, 8, 7, 7, 7, 7, 7),
    *(7, 7, 7, 7, 7, 6, 6, 6, 6, 6),
    *(6, 6, 6, 10, 10, 10, 10, 10, 10, 10),
    *(10, 10, 10, 5, 5, 5, 5, 5, 5, 5),
    *(5, 2, 2, 2, 2, 2, 2, 2, 2, 2),
    *(2, 3, 3, 3, 3, 3, 3, 3, 3, 3),
    *(3, 0, 0, 0, 0, 0, 0, 1, 1, 1),
    *(1, 1, 1, 4, 4, 4, 4, 4, 4, 4),
    *(4, 17, 17, 22, 20, 20, 22, 15, 25, 16),
    *(13, 12, 12, 17, 17, 23, 15, 15, 17, 15),
    *(21, 15, 25, 13, 13, 13, 13, 13, 22, 26),
    *(14, 14, 15, 22, 21, 21, 24, 20, 22, 15),
    *(17, 16, 15, 22, 24, 21, 17, 25, 16, 21),
    *(17, 22, 16, 21, 21, 25, 21, 26, 21, 24),
    *(20, 17, 14, 21, 26, 15, 23, 20, 21, 24),
    *(15, 24, 22, 25, 15, 20, 17, 17, 22, 14),
    *(18, 18, 18, 18, 18, 18, 18, 26, 26, 19),
    *(19, 24),
]
NAMES = [
    *(
        "electronic",
        "appliance",
        "food (thing)",
        "furniture (thing)",
        "indoor",
        "kitchen",
        "accessory",
        "animal",
    ),
    *("outdoor", "person", "sports", "vehicle", "ceiling", "floor", "food (stuff)", "furniture (stuff)"),
    *(
        "rawmaterial",
        "textile",
        "wall",
        "window",
        "building",
        "ground",
        "plant",
        "sky",
        "solid",
        "structural",
    ),
    "water",
]


def test_every_id_has_the_class_of_the_table(cocostuff, tmp_path):
    classes = find(cocostuff, COCO).classes
    assert list(classes.names) == NAMES and len(COARSE) == 182
    for raw, coarse in enumerate(COARSE):
        assert classes.encode(np.array([[raw]], np.uint16), tmp_path)[0, 0] == coarse, raw
    assert classes.encode(np.array([[255]], np.uint16), tmp_path)[0, 0] == 255
    for raw in (182, 200, 254, 256):
        with pytest.raises(DepthGError, match=f"id {raw} is neither"):
            classes.encode(np.array([[raw]], np.uint16), tmp_path)


def test_just_the_images_on_the_lists_are_used(cocostuff):
    files = find(cocostuff, COCO).files
    assert [image.name for image, _ in files["train"]] == [f"{name:012d}.jpg" for name in (9, 25, 30)]
    assert files["val"][1] == (
        cocostuff / "images/val2017/000000000285.jpg",
        cocostuff / "annotations/val2017/000000000285.png",
    )


def test_indexed_and_cropped(cocostuff, tmp_path, capsys):
    out = tmp_path / "out"
    index("cocostuff", Dataset(kind="cocostuff", root=str(cocostuff)), out)
    printed = capsys.readouterr().out
    assert "warning: cocostuff: 3 train images found, 97,702 expected" in printed
    assert "warning: cocostuff: 2 val images found, 2,175 expected" in printed
    assert len(read_images(out / "train/images.csv")) == 3 and len(read_classes(out / "classes.csv")) == 27
    settings = CropSettings(size=8, eval_size=24)
    make_crops(out / "val/images.csv", out / "classes.csv", "val", out / "crops.zarr", settings)
    fine = np.asarray(Image.open(cocostuff / "annotations/val2017/000000000139.png"))[:, 4:28]
    expected = np.array([*COARSE, *[255] * 74])[fine]
    np.testing.assert_array_equal(Store(out / "crops.zarr").read("labels", [0])[0], expected)


def test_the_whole_set_is_not_warned_about(cocostuff, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(COUNTS, "train", 3)
    monkeypatch.setitem(COUNTS, "val", 2)
    index("cocostuff", Dataset(kind="cocostuff", root=str(cocostuff)), tmp_path / "out")
    assert "warning" not in capsys.readouterr().out


def test_an_id_outside_the_table_is_an_error(cocostuff, tmp_path):
    path = cocostuff / "annotations/train2017/000000000025.png"
    Image.fromarray(np.full((24, 32), 182, np.uint8)).save(path)
    with pytest.raises(DepthGError, match=r"000000000025\.png: id 182 is neither of a class \(0-181\)"):
        index("cocostuff", Dataset(kind="cocostuff", root=str(cocostuff)), tmp_path / "out")


def test_missing_files_are_counted(cocostuff):
    for name in ("images/train2017/000000000025.jpg", "annotations/train2017/000000000030.png"):
        (cocostuff / name).unlink()
    with pytest.raises(
        DepthGError,
        match=r"000000000025\.jpg: missing, the first of 2 files of 6 that .*Coarse\.txt asks for: finish",
    ):
        find(cocostuff, COCO)


def test_a_list_is_missing_or_empty(cocostuff):
    path = cocostuff / "curated/val2017/Coco164kFull_Stuff_Coarse_7.txt"
    path.write_text("\n")
    with pytest.raises(DepthGError, match=r"Coarse_7\.txt: lists no images"):
        find(cocostuff, COCO)
    path.unlink()
    with pytest.raises(DepthGError, match=r"Coarse_7\.txt: No such file"):
        find(cocostuff, COCO)
