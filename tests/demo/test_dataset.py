"""The folder that `write_dataset` leaves behind."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthg.demo import CLASSES, PRETRAIN_SEED, TRAIN_SEED, VAL_SEED, render, write_dataset

SIZE = {"height": 32, "width": 48}


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def stamps(root: Path) -> dict[str, int]:
    """When each picture was last written."""
    return {name: (root / name).stat().st_mtime_ns for name in files(root) if name.endswith(".png")}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def write(root: Path, n_train: int = 2, n_val: int = 1, **options) -> None:
    write_dataset(root, n_train, n_val, **{**SIZE, "workers": 1, **options})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "original"
    write(folder)
    return folder


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    """A copy of the rendered folder that a test may damage."""
    return Path(shutil.copytree(original, tmp_path / "demo"))


def test_layout(root: Path) -> None:
    triples = [
        f"{kind}/{name}.png"
        for kind in ("depth/exact", "images", "labels")
        for name in ("train/00000", "train/00001", "val/00000")
    ]
    assert files(root) == sorted([*triples, "classes.txt", "demo.json"])
    assert (root / "classes.txt").read_text(encoding="utf-8").split() == list(CLASSES)


@pytest.mark.parametrize(("name", "seed"), [("train/00001", TRAIN_SEED + 1), ("val/00000", VAL_SEED)])
def test_files_hold_the_rendered_view(root: Path, name: str, seed: int) -> None:
    view = render(seed, **SIZE)
    np.testing.assert_array_equal(pixels(root / f"images/{name}.png"), view.image)
    np.testing.assert_array_equal(pixels(root / f"labels/{name}.png"), view.label)
    centimetres = pixels(root / f"depth/exact/{name}.png")
    assert centimetres.dtype == np.uint16
    np.testing.assert_allclose(centimetres / 100, view.depth, atol=0.00501)


def test_second_run_writes_nothing(root: Path) -> None:
    before = stamps(root)
    write(root)
    assert stamps(root) == before


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(["images/train/00001.png"], id="killed before the image"),
        pytest.param(["images/train/00001.png", "depth/exact/train/00001.png"], id="killed before the depth"),
    ],
)
def test_killed_run_goes_on(root: Path, lost: list[str]) -> None:
    before, content = stamps(root), [(root / name).read_bytes() for name in lost]
    for name in lost:
        (root / name).unlink()
    write(root)
    assert [(root / name).read_bytes() for name in lost] == content
    after = stamps(root)
    assert {name for name in before if "train/00001" not in name} == {
        name for name in before if after[name] == before[name]
    }


def test_other_size_renders_again(root: Path) -> None:
    write(root, height=40)
    assert all(pixels(path).shape[:2] == (40, 48) for path in root.rglob("*.png"))


def test_fewer_pictures_leave_no_surplus(root: Path) -> None:
    write(root, n_train=1)
    assert [name for name in files(root) if "train" in name] == [
        "depth/exact/train/00000.png",
        "images/train/00000.png",
        "labels/train/00000.png",
    ]


def test_splits_and_pretraining_have_their_own_seeds(tmp_path: Path) -> None:
    assert TRAIN_SEED < VAL_SEED < PRETRAIN_SEED
    with pytest.raises(ValueError, match="seeds of their own"):
        write(tmp_path, n_train=VAL_SEED - TRAIN_SEED + 1)
    with pytest.raises(ValueError, match="seeds of their own"):
        write(tmp_path, n_val=PRETRAIN_SEED - VAL_SEED + 1)
    assert files(tmp_path) == []


def test_worker_processes_write_the_same(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "parallel", workers=2)
    assert files(tmp_path / "parallel") == files(root)
    for name in files(root):
        assert (tmp_path / "parallel" / name).read_bytes() == (root / name).read_bytes()


def test_progress_counts_what_is_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "images/train/00000.png").unlink()
    calls = []

    def track(items: Iterable, total: int, description: str) -> Iterable:
        done = list(items)
        calls.append((description, total, len(done)))
        return done

    monkeypatch.setattr("depthg.demo.dataset.track", track)
    write(root)
    assert calls == [("rendering train", 1, 1), ("rendering val", 0, 0)]
