"""Depth from files: orientation, alignment with the crops, and every way a map can be wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthg.config.sections import Dataset, DepthSource
from depthg.config.settings import CropSettings
from depthg.data.index import index
from depthg.errors import DepthGError
from depthg.stages.crops import make_crops
from depthg.stages.depth.stage import make_depth
from depthg.store.reader import Store

WIDTH, HEIGHT = 64, 48
FARTHER = DepthSource(source="files", name="lidar", larger="farther")
NEARER = DepthSource(source="files", name="lidar", larger="nearer")


def _plane(width: int, height: int) -> np.ndarray:
    """Depth that grows to the right and, half as much, downwards; 0.75 at the lower right corner."""
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    return 0.5 * x + 0.25 * y[:, None]


def _save(path: Path, depth: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        Image.fromarray(np.round(depth * 60000).astype(np.uint16)).save(path)
    elif path.suffix == ".npy":
        np.save(path, depth)
    else:
        np.savez(path, depth=depth)


@pytest.fixture
def mine(tmp_path):
    """Folder of an indexed data set with crops of 16 px, and plane depth of the images' size."""
    for name in ("train/a", "train/deep/b.c", "val/d"):
        path = tmp_path / "root/images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT)).save(path)
        _save(tmp_path / "root/depth/lidar" / f"{name}.png", _plane(WIDTH, HEIGHT))
    index("mine", Dataset(root=str(tmp_path / "root")), tmp_path)
    for split in ("train", "val"):
        settings = CropSettings(size=16, eval_size=32)
        images, out = tmp_path / split / "images.csv", tmp_path / split / "crops.zarr"
        make_crops(images, tmp_path / "classes.csv", split, out, settings)
    return tmp_path


def _depth(mine: Path, source: DepthSource = FARTHER, split: str = "train") -> np.ndarray:
    folder = mine / split
    out = folder / "depth/lidar.zarr"
    make_depth(folder / "crops.zarr", folder / "images.csv", mine / "root", split, out, source)
    store = Store(out)
    assert store.read("depth").dtype == np.float16
    return store.read("depth").astype(np.float64)


def _expected(mine: Path, split: str, side: int) -> np.ndarray:
    """The plane at the middle of each depth pixel of each crop, min-max over the image; far = 1."""
    low, high = _plane(WIDTH, HEIGHT).min(), _plane(WIDTH, HEIGHT).max()
    maps = []
    for left, top, right, bottom in Store(mine / split / "crops.zarr").read("boxes").astype(np.float64):
        middle = (np.arange(side) + 0.5) / side
        x, y = left + middle * (right - left), top + middle[:, None] * (bottom - top)
        maps.append((0.5 * x / WIDTH + 0.25 * y / HEIGHT - low) / (high - low))
    return np.stack(maps)


def _inner(maps: np.ndarray) -> np.ndarray:
    """Without the outermost pixels, where an antialiasing filter meets the border of the map."""
    return maps[:, 1:-1, 1:-1]


@pytest.mark.parametrize(("split", "side"), [("train", 4), ("val", 8)])
def test_depth_lies_where_the_crop_does(mine, split, side):
    depth = _depth(mine, split=split)
    np.testing.assert_allclose(_inner(depth), _inner(_expected(mine, split, side)), atol=0.01)


def test_far_is_one_whatever_the_file_means(mine):
    far = _depth(mine, FARTHER)
    near = _depth(mine, NEARER)
    assert far[3].mean() > far[0].mean()  # bottom right lies behind top left
    np.testing.assert_allclose(near, 1 - far, atol=1e-3)


@pytest.mark.parametrize(("suffix", "size"), [(".png", (100, 20)), (".npy", (31, 31)), (".npz", (30, 90))])
def test_a_map_of_another_shape_is_stretched(mine, suffix, size):
    for path in list((mine / "root/depth/lidar/train").rglob("*.png")):
        path.unlink()
        _save(path.with_name(path.name.replace(".png", suffix)), 1 - _plane(*size))
    np.testing.assert_allclose(_inner(_depth(mine, NEARER)), _inner(_expected(mine, "train", 4)), atol=0.03)


def test_an_unsplit_folder(tmp_path):
    for name in "abc":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.jpg")
        _save(tmp_path / f"depth/lidar/{name}.npy", _plane(8, 8))
    index("mine", Dataset(root=str(tmp_path)), tmp_path / "out")
    images, crops = tmp_path / "out/val/images.csv", tmp_path / "out/val/crops.zarr"
    make_crops(images, tmp_path / "out/classes.csv", "val", crops, CropSettings(eval_size=8))
    make_depth(crops, images, tmp_path, "val", tmp_path / "out/val/depth.zarr", FARTHER)
    assert Store(tmp_path / "out/val/depth.zarr").read("depth").shape == (1, 2, 2)


def test_all_missing_maps_are_counted_first(mine):
    for name in ("a", "deep/b.c"):
        (mine / f"root/depth/lidar/train/{name}.png").unlink()
    with pytest.raises(
        DepthGError, match=r"lidar/train/a\.png: no such depth map.*, 2 of 2 are missing: put them"
    ):
        _depth(mine)
    assert not (mine / "train/depth").exists()


NOT_FINITE = np.array([[0.0, np.nan], [1.0, 2.0]])


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (np.ones((4, 4)), "constant, or with NaN"),
        (NOT_FINITE, "constant, or with NaN"),
        (np.where(np.isnan(NOT_FINITE), np.inf, NOT_FINITE), "constant, or with NaN"),
        (np.zeros((1, 4, 4)), r"shape \(1, 4, 4\): a depth map is 2-D"),
        (np.zeros((0, 4)), r"shape \(0, 4\): a depth map is 2-D"),
        (np.array([{"no": "numbers"}]), "not a readable depth map"),
        (np.array([["no", "numbers"]]), "not a readable depth map"),
    ],
)
def test_a_bad_map_is_named(mine, depth, message):
    (mine / "root/depth/lidar/train/deep/b.c.png").unlink()
    np.save(mine / "root/depth/lidar/train/deep/b.c.npy", depth)
    with pytest.raises(DepthGError, match=rf"deep/b\.c\.npy: .*{message}"):
        _depth(mine)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_an_unreadable_map_is_named(mine, content):
    (mine / "root/depth/lidar/train/a.png").write_bytes(content)
    with pytest.raises(DepthGError, match=r"train/a\.png: not a readable depth map .*: replace"):
        _depth(mine)


@pytest.mark.parametrize("mode", ["P", "RGB", "LA"])
def test_colours_are_no_depth(mine, mode):
    """Those of a palette least of all: their numbers may be in any order."""
    grey = Image.fromarray((_plane(WIDTH, HEIGHT) * 255).astype(np.uint8))
    grey.convert(mode).save(mine / "root/depth/lidar/train/a.png")
    with pytest.raises(DepthGError, match=r"train/a\.png: holds colours, no depth: save"):
        _depth(mine)


@pytest.mark.parametrize("arrays", [[], [np.arange(9.0)]])
def test_a_broken_archive_is_named(mine, arrays):
    path = mine / "root/depth/lidar/train/a.npz"
    path.with_suffix(".png").unlink()
    np.savez(path, *arrays)
    if arrays:
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DepthGError, match=r"train/a\.npz: not a readable depth map"):
        _depth(mine)


def test_changed_maps_are_noticed(mine):
    before = _depth(mine)
    _save(mine / "root/depth/lidar/train/a.png", _plane(WIDTH, HEIGHT)[:, ::-1])
    after = _depth(mine)
    assert np.abs(after[0] - before[0]).max() > 0.1
    np.testing.assert_array_equal(after[5:], before[5:])


def test_an_unknown_source_suggests_the_nearest(mine):
    with pytest.raises(DepthGError, match="unknown depth source 'file': did you mean 'files'"):
        _depth(mine, DepthSource(source="file"))
