"""Writing the demo world to disk as a plain folder of images, labels and depth maps."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from .classes import CLASSES
from .view import View, render

TRAIN_SEED = 0
"""Seed of the first training picture; the following ones count up."""

VAL_SEED = 500_000
"""Seed of the first validation picture."""

PRETRAIN_SEED = 1_000_000
"""First seed that belongs to neither split: what a backbone may be pretrained on."""

_KINDS = ("labels", "depth/exact", "images")

Progress = Callable[[Iterable, int, str], Iterable]
"""Wraps an iterable of known length to report progress: (items, total, description)."""


@dataclass(frozen=True)
class _Task:
    """One picture to write: its place in the folder layout and how to render it."""

    root: Path
    split: str
    number: int
    seed: int
    height: int
    width: int

    def path(self, kind: str) -> Path:
        """File of this picture below the folder `kind`."""
        return self.root / kind / self.split / f"{self.number:05d}.png"


def write_dataset(
    root: Path,
    n_train: int,
    n_val: int,
    height: int = 240,
    width: int = 320,
    workers: int = 2,
    progress: Progress | None = None,
) -> None:
    """Render both splits below `root`.

    Pictures that exist are kept, so a killed run goes on where it stopped. The parameters
    lie in `demo.json`; when they differ from the last run's, everything is rendered again.
    """
    _check_counts(n_train, n_val)
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    _start_over_if_changed(root, {"n_train": n_train, "n_val": n_val, "height": height, "width": width})
    (root / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    for split, first, count in (("train", TRAIN_SEED, n_train), ("val", VAL_SEED, n_val)):
        tasks = [_Task(root, split, i, first + i, height, width) for i in range(count)]
        for kind in _KINDS:
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        missing = [task for task in tasks if not task.path("images").exists()]
        done: Iterable = _write_all(missing, workers)
        for _ in progress(done, len(missing), f"rendering {split}") if progress else done:
            pass


def _check_counts(n_train: int, n_val: int) -> None:
    """Refuse splits so large that their seeds would meet."""
    if n_train > VAL_SEED - TRAIN_SEED or n_val > PRETRAIN_SEED - VAL_SEED:
        raise ValueError(f"at most {VAL_SEED - TRAIN_SEED} pictures a split have seeds of their own")


def _start_over_if_changed(root: Path, parameters: dict[str, int]) -> None:
    """Record the parameters; delete the pictures of other ones."""
    record = root / "demo.json"
    if record.exists() and json.loads(record.read_text(encoding="utf-8")) != parameters:
        # Images go first: one that exists promises that its label and depth do.
        for kind in reversed(_KINDS):
            for split in ("train", "val"):
                for path in (root / kind / split).glob("[0-9]*.png"):
                    path.unlink()
    _replace(record, lambda path: path.write_text(json.dumps(parameters, indent=2) + "\n", encoding="utf-8"))


def _write_all(tasks: list[_Task], workers: int) -> Iterator[None]:
    """Write each picture, in this process or in `workers` others; one item for each."""
    if workers <= 1 or len(tasks) <= 1:
        yield from map(_write, tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_write, tasks, chunksize=4)


def _write(task: _Task) -> None:
    """Render and save one picture, the image last."""
    view = render(task.seed, task.height, task.width)
    for kind, image in zip(_KINDS, _pictures(view), strict=True):
        _replace(task.path(kind), partial(image.save, format="PNG"))


def _pictures(view: View) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Label, depth in whole centimetres (16 bit) and image, in the order of `_KINDS`."""
    centimetres = np.rint(view.depth * 100).astype(np.uint16)
    return Image.fromarray(view.label), Image.fromarray(centimetres), Image.fromarray(view.image)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write to a temporary name beside `path` and rename, so that `path` is never half a file."""
    partial_path = path.with_name(f".{path.name}.{os.getpid()}")
    write(partial_path)
    os.replace(partial_path, path)
