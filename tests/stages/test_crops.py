"""Five-crop geometry, worked out by hand, and the crop store."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from depthg.config.sections import Dataset
from depthg.config.settings import CropSettings
from depthg.data.index import index
from depthg.errors import DepthGError
from depthg.stages.crops import crop_boxes, cut_image, cut_label, five_crop, make_crops
from depthg.store.reader import Store
from depthg.store.writer import Writer


def test_five_regions_of_an_even_image():
    assert five_crop(8, 6) == [(0, 0, 4, 3), (4, 0, 8, 3), (0, 3, 4, 6), (4, 3, 8, 6), (2, 1.5, 6, 4.5)]


def test_five_regions_of_an_odd_image():
    # ⌊7/2⌋ = 3 wide, ⌊5/2⌋ = 2 high: a column and a row in the middle belong to no corner
    assert five_crop(7, 5) == [(0, 0, 3, 2), (4, 0, 7, 2), (0, 3, 3, 5), (4, 3, 7, 5), (2, 1.5, 5, 3.5)]


def test_crops_show_the_centre_squares():
    squares = [(0.5, 0, 3.5, 3), (4.5, 0, 7.5, 3), (0.5, 3, 3.5, 6), (4.5, 3, 7.5, 6), (2.5, 1.5, 5.5, 4.5)]
    assert crop_boxes(8, 6, five=True) == squares
    assert crop_boxes(8, 6, five=False) == [(1, 0, 7, 6)]
    assert crop_boxes(5, 10, five=False) == [(0, 2.5, 5, 7.5)]


@given(st.integers(4, 5000), st.integers(4, 5000), st.booleans())
def test_boxes_are_squares_within_the_image(width, height, five):
    for left, top, right, bottom in crop_boxes(width, height, five):
        assert left >= 0 and top >= 0 and right <= width and bottom <= height
        assert right - left == pytest.approx(bottom - top)
        assert right - left == pytest.approx(min(width // 2, height // 2) if five else min(width, height))


@given(st.integers(2, 5000), st.integers(2, 5000))
def test_five_regions_are_half_a_side_long_at_each_corner_and_in_the_middle(width, height):
    regions = np.array(five_crop(width, height))
    assert (regions[:, 2:] - regions[:, :2] == (width // 2, height // 2)).all()
    ends = [[left, top] for top in (0, height) for left in (0, width)]
    corners = [regions[0, :2], regions[1, [2, 1]], regions[2, [0, 3]], regions[3, 2:]]
    np.testing.assert_array_equal(corners, ends)
    np.testing.assert_array_equal(regions[4, :2] + regions[4, 2:], (width, height))


def test_shrinking_averages_what_a_pixel_covers():
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, ::2] = 200  # stripes that dropping every other column would hide
    assert np.abs(cut_image(image, (0, 0, 4, 4), 2).astype(int) - 100).max() <= 30


def test_large_ids_survive_cropping():
    label = np.array([[300, 255], [40000, 7]], np.uint16)
    np.testing.assert_array_equal(cut_label(label, (0, 0, 2, 2), 4), label.repeat(2, 0).repeat(2, 1))


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 60), st.integers(8, 60), st.integers(1, 16), st.integers(0, 99))
def test_labels_stay_on_their_pixels(width, height, side, seed):
    """A label that is the brightness of its image stays so, where the label is flat around a pixel."""
    cells = np.random.default_rng(seed).integers(0, 200, (height // 8 + 1, width // 8 + 1))
    label = cells.repeat(8, 0).repeat(8, 1)[:height, :width].astype(np.uint16)
    image = np.dstack([label] * 3).astype(np.uint8)
    for box in crop_boxes(width, height, five=True):
        ids, pixels = cut_label(label, box, side), cut_image(image, box, side)[..., 0]
        # A pixel of the crop covers `reach` pixels of the image; all of one id means its colour.
        reach = max(1.0, (box[2] - box[0]) / side)
        for row, column in np.ndindex(side, side):
            x = box[0] + (column + 0.5) * (box[2] - box[0]) / side
            y = box[1] + (row + 0.5) * (box[3] - box[1]) / side
            near = label[
                max(int(y - reach), 0) : int(y + reach) + 1, max(int(x - reach), 0) : int(x + reach) + 1
            ]
            if near.min() == near.max():
                assert ids[row, column] == pixels[row, column] == near[0, 0]


@pytest.fixture
def listed(tmp_path):
    """The folder of an indexed data set: 15 labelled training images, 2 bare validation images."""
    rng = np.random.default_rng(0)
    for place in range(17):
        name = f"{'val' if place > 14 else 'train'}/{place:02d}.png"
        for kind in ("images", "labels"):
            (tmp_path / "root" / kind / name).parent.mkdir(parents=True, exist_ok=True)
        cells = rng.integers(0, 9, (12, 20), dtype=np.uint8)
        Image.fromarray(np.dstack([cells] * 3)).save(tmp_path / "root/images" / name)
        if place <= 14:
            Image.fromarray(cells).save(tmp_path / "root/labels" / name)
    index("mine", Dataset(root=str(tmp_path / "root")), tmp_path / "out")
    return tmp_path / "out"


SETTINGS = CropSettings(size=6, eval_size=9)


def _crops(folder: Path, split: str, sizes: CropSettings = SETTINGS) -> Store:
    images, out = folder / split / "images.csv", folder / split / "crops.zarr"
    make_crops(images, folder / "classes.csv", split, out, sizes)
    return Store(folder / split / "crops.zarr")


def test_training_crops(listed):
    store = _crops(listed, "train")
    assert len(store) == 75
    np.testing.assert_array_equal(store.read("image"), np.arange(15).repeat(5))
    np.testing.assert_allclose(store.read("boxes", [6])[0], (12, 0, 18, 6))  # top right of image 1
    source = np.asarray(Image.open(listed.parent / "root/images/train/01.png"))
    np.testing.assert_array_equal(store.read("images", [6])[0], source[0:6, 12:18])
    np.testing.assert_array_equal(store.read("labels", [6])[0], source[0:6, 12:18, 0])


def test_validation_crops_show_the_whole_image_and_void_where_unlabelled(listed):
    store = _crops(listed, "val")
    assert store.read("images").shape == (2, 9, 9, 3)
    np.testing.assert_array_equal(store.read("boxes"), [(4, 0, 16, 12)] * 2)
    assert (store.read("labels") == 255).all()


def test_five_crop_can_be_off(listed):
    assert len(_crops(listed, "train", CropSettings(size=6, five_crop=False))) == 15


def test_a_killed_run_goes_on_where_it_was(listed, monkeypatch):
    whole = {name: _crops(listed, "train").read(name) for name in ("images", "labels", "boxes", "image")}
    first = (listed / "train/crops.zarr").rename(listed / "train/first.zarr")
    written, write = [], Writer.write

    def killed_after_one_batch(self, rows, **values):
        if written == [range(0, 60)]:
            written.append(None)
            raise KeyboardInterrupt
        written.append(rows)
        write(self, rows, **values)

    monkeypatch.setattr(Writer, "write", killed_after_one_batch)
    with pytest.raises(KeyboardInterrupt):
        _crops(listed, "train")
    store = _crops(listed, "train")
    assert written == [range(0, 60), None, range(60, 75)]
    assert store.fingerprint == Store(first).fingerprint
    for name, values in whole.items():
        np.testing.assert_array_equal(store.read(name), values)


def test_a_changed_label_makes_the_crops_anew(listed):
    before = _crops(listed, "train")
    Image.fromarray(np.zeros((12, 20), np.uint8)).save(listed.parent / "root/labels/train/00.png")
    after = _crops(listed, "train")
    assert before.fingerprint != after.fingerprint
    assert (after.read("labels", [0]) == 0).all()


@pytest.mark.parametrize(("split", "size"), [("train", (3, 9)), ("val", (9, 1))])
def test_an_image_too_small_is_named(listed, split, size):
    path = listed.parent / "root/images" / split / "15.png"
    Image.new("RGB", size).save(path)
    for labels in (listed.parent / "root/labels/train").iterdir():
        labels.unlink()
    index("mine", Dataset(root=str(listed.parent / "root")), listed)
    with pytest.raises(DepthGError, match=rf"{path}: {size[0]} by {size[1]} pixels is too small"):
        _crops(listed, split)


def test_nearest_takes_single_pixels_and_bilinear_means():
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, ::2] = 200
    near, smooth = (cut_image(image, (0, 0, 8, 8), 4, how) for how in ("nearest", "bilinear"))
    assert set(np.unique(near)) <= {0, 200}
    assert smooth.min() > 60 and smooth.max() < 140
