"""Writing the demo's images, labels and depth maps in the layout of a data set of kind `folder`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from depthg.runtime.files import replacing
from depthg.runtime.parent import worker_pool
from depthg.runtime.progress import track

from .classes import CLASSES
from .view import render

TRAIN_SEED = 0  # of the first training picture; the next one has the next seed, and so on
VAL_SEED = 500_000  # of the first validation picture
PRETRAIN_SEED = 1_000_000  # the first seed of neither split; backbones may be pretrained on these pictures
_KINDS = ("labels", "depth/exact", "images")


@dataclass(frozen=True)
class _Task:
    """A picture to write."""

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
    root: Path, n_train: int, n_val: int, height: int = 240, width: int = 320, workers: int = 2
) -> None:
    """Render both splits into the folder `root`.

    Pictures that exist are kept, so an interrupted run resumes. The parameters are recorded in `demo.json`; if they
    differ from those of the last run, everything is rendered again.

    Raises:
        ValueError: a split is so large that it would contain pictures of the other or of pretraining.
    """
    if n_train > VAL_SEED - TRAIN_SEED or n_val > PRETRAIN_SEED - VAL_SEED:
        raise ValueError(f"at most {VAL_SEED - TRAIN_SEED} pictures a split have seeds of their own")
    root.mkdir(parents=True, exist_ok=True)
    _start_over_if_changed(root, {"n_train": n_train, "n_val": n_val, "height": height, "width": width})
    (root / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    for split, first, count in (("train", TRAIN_SEED, n_train), ("val", VAL_SEED, n_val)):
        tasks = [_Task(root, split, i, first + i, height, width) for i in range(count)]
        for kind in _KINDS:
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        missing = [task for task in tasks if not task.path("images").exists()]
        for _ in track(_write_all(missing, workers), len(missing), f"rendering {split}"):
            pass


def _start_over_if_changed(root: Path, parameters: dict[str, int]) -> None:
    """Record the parameters; delete the pictures of a run with other parameters."""
    record = root / "demo.json"
    if record.exists() and json.loads(record.read_text(encoding="utf-8")) != parameters:
        # Images go first: one that exists promises that its label and depth do.
        for kind in reversed(_KINDS):
            for split in ("train", "val"):
                for path in (root / kind / split).glob("[0-9]*.png"):
                    path.unlink()
    with replacing(record) as draft:
        draft.write_text(json.dumps(parameters, indent=2) + "\n", encoding="utf-8")


def _write_all(tasks: list[_Task], workers: int) -> Iterator[None]:
    """Write each picture, in this process or in `workers` others; yields after each."""
    if workers <= 1 or len(tasks) <= 1:
        yield from map(_write, tasks)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(_write, tasks, chunksize=4)


def _write(task: _Task) -> None:
    """Render and save one picture: its label, its depth in whole centimetres (16 bit) and, last, the image."""
    view = render(task.seed, task.height, task.width)
    centimetres = np.rint(view.depth * 100).astype(np.uint16)
    for kind, values in zip(_KINDS, (view.label, centimetres, view.image), strict=True):
        with replacing(task.path(kind)) as draft:
            Image.fromarray(values).save(draft, format="PNG")
