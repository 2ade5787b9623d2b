"""Potsdam tiles in MATLAB files: keys, channels, classes, and the errors for damaged ones."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from depthg.config.sections import Dataset
from depthg.config.settings import CropSettings
from depthg.data.decode import read_image, read_label
from depthg.data.index import index
from depthg.data.potsdam import find
from depthg.errors import DepthGError, UnreadableImageError
from depthg.stages.crops import make_crops
from depthg.store.reader import Store

CLASS_OF = {0: 0, 1: 1, 2: 2, 3: 2, 4: 0, 5: 1, 255: 255}


def test_every_id_has_the_class_of_the_table(potsdam):
    classes = find(potsdam, Dataset()).classes
    assert len(classes) == 3
    for raw, expected in CLASS_OF.items():
        assert classes.encode(np.array([[raw]], np.uint16), potsdam)[0, 0] == expected
    with pytest.raises(DepthGError, match=r"id 6 is neither of a class \(0-5\)"):
        classes.encode(np.array([[6]], np.uint16), potsdam)


def test_just_the_tiles_on_the_lists_are_used(potsdam):
    files = find(potsdam, Dataset()).files
    assert [int(image.stem) for image, _ in files["train"]] == [0, 7, 4545, 31, 32, 33]
    assert files["val"][0] == (potsdam / "imgs/12.mat", potsdam / "gt/12.mat")


def test_the_first_three_channels_are_the_colours(potsdam):
    image = read_image(potsdam / "imgs/7.mat")
    np.testing.assert_array_equal(image, loadmat(potsdam / "imgs/7.mat")["img"][..., :3])
    assert image.dtype == np.uint8 and read_label(potsdam / "gt/7.mat").dtype == np.uint16


def test_indexed_and_cropped_whole(potsdam, tmp_path, capsys):
    out = tmp_path / "out"
    index("potsdam", Dataset(kind="potsdam", root=str(potsdam)), out)
    assert "warning: potsdam: 2 val images found, 855 expected" in capsys.readouterr().out
    settings = CropSettings(size=200, five_crop=False)
    make_crops(out / "train/images.csv", out / "classes.csv", "train", out / "crops.zarr", settings)
    crops = Store(out / "crops.zarr")
    assert len(crops) == 6
    raw = loadmat(potsdam / "gt/4545.mat")["gt"]
    expected = np.vectorize(CLASS_OF.get)(raw)
    np.testing.assert_array_equal(crops.read("labels", [2])[0], expected)


def test_a_missing_tile_is_named(potsdam):
    (potsdam / "gt/8549.mat").unlink()
    with pytest.raises(
        DepthGError, match=r"gt/8549\.mat: missing, the first of 1 files of 4 that .*labelled_test"
    ):
        find(potsdam, Dataset())


def test_a_file_without_the_key_is_named(tmp_path):
    savemat(tmp_path / "0.mat", {"image": np.zeros((2, 2, 4), np.uint8)})
    with pytest.raises(DepthGError, match=r"0\.mat: no key 'img', only image: save"):
        read_image(tmp_path / "0.mat")
    with pytest.raises(DepthGError, match=r"0\.mat: no key 'gt', only image"):
        read_label(tmp_path / "0.mat")


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_image, np.zeros((4, 4)), r"img is float64 \[4, 4\]: save it as uint8"),
        (read_image, np.zeros((4, 4, 2), np.uint8), r"img is uint8 \[4, 4, 2\]"),
        (read_label, np.zeros((4, 4, 3), np.uint8), r"gt is uint8 \[4, 4, 3\]: save it as \[height, width\]"),
        (read_label, np.full((4, 4), -1, np.int32), r"gt is int32 \[4, 4\]"),
        (read_label, np.full((4, 4), 0.5), r"gt is float64 \[4, 4\]"),
    ],
)
def test_a_tile_of_another_form_is_named(tmp_path, read, content, message):
    savemat(tmp_path / "0.mat", {"img": content, "gt": content})
    with pytest.raises(DepthGError, match=message):
        read(tmp_path / "0.mat")


@pytest.mark.parametrize("kept", [0, 64, 100, 150, 400, 5000])
def test_a_cut_off_file_is_unreadable(potsdam, kept):
    path = potsdam / "imgs/0.mat"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UnreadableImageError, match=r"0\.mat: not a MATLAB file, or cut off: .*on_bad_image"):
        read_image(path)
    with pytest.raises(UnreadableImageError, match=r"1\.mat: missing"):
        read_image(potsdam / "imgs/1.mat")
