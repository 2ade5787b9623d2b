"""Miniatures of the benchmarks: folders, names, formats and encodings as their providers ship them."""

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from depthg.runtime.threads import wait_briefly

wait_briefly()  # as depthg.cli does, before torch is loaded


def _png(path: Path, ids: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(ids.astype(np.uint8)).save(path)


def _photo(path: Path, width: int, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def _spread(ids: list[int], width: int, height: int) -> np.ndarray:
    """A label map [height, width] in which every id occurs."""
    return np.resize(np.array(ids), (height, width))


@pytest.fixture
def cocostuff(tmp_path) -> Path:
    """Three training and two validation images on the curated lists, one more that is not; all 182 ids and void."""
    root = tmp_path / "cocostuff"
    for folder, names, listing in (
        ("train2017", (9, 25, 30, 34), "Coco164kFull_Stuff_Coarse.txt"),
        ("val2017", (139, 285, 632), "Coco164kFull_Stuff_Coarse_7.txt"),
    ):
        for name in names:
            _photo(root / f"images/{folder}/{name:012d}.jpg", 32, 24)
            _png(root / f"annotations/{folder}/{name:012d}.png", _spread([*range(182), 255], 32, 24))
        lines = "\n".join(f"{name:012d}" for name in names[:-1])
        (root / "curated" / folder).mkdir(parents=True)
        (root / "curated" / folder / listing).write_text(lines + "\n")
    return root


@pytest.fixture
def cityscapes(tmp_path) -> Path:
    """Three training images in two cities and one validation image, with the files that lie beside the labelIds."""
    root = tmp_path / "cityscapes"
    frames = ("train/aachen/aachen_000000_000019", "train/aachen/aachen_000001_000019")
    frames += ("train/ulm/ulm_000000_000019", "val/munster/munster_000000_000019")
    for frame in frames:
        _photo(root / f"leftImg8bit/{frame}_leftImg8bit.png", 64, 32)
        _png(root / f"gtFine/{frame}_gtFine_labelIds.png", _spread([*range(34), 255], 64, 32))
        _photo(root / f"gtFine/{frame}_gtFine_color.png", 64, 32)
        (root / f"gtFine/{frame}_gtFine_polygons.json").write_text("{}")
    return root


@pytest.fixture
def potsdam(tmp_path) -> Path:
    """Six training tiles and two test tiles, one more that is on neither list; int32 ids, as written by savemat."""
    root = tmp_path / "potsdam"
    for folder in ("imgs", "gt"):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (0, 7, 4545, 31, 32, 33, 12, 8549, 3):
        tile = rng.integers(0, 256, (200, 200, 4), dtype=np.uint8)
        savemat(root / f"imgs/{name}.mat", {"img": tile})
        savemat(root / f"gt/{name}.mat", {"gt": _spread([0, 1, 2, 3, 4, 5, 255], 200, 200).astype(np.int32)})
    (root / "labelled_train.txt").write_text("0\n7\n4545\n31\n32\n33\n")
    (root / "labelled_test.txt").write_text("12\n8549\n")
    (root / "unlabelled_train.txt").write_text("3\n")
    return root


# A busy machine is no reason to fail.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
