"""How far a store or a training is, from its files alone: nothing is locked, changed, or waited for."""

import json
import pickletools
import zipfile
from pathlib import Path
from typing import NamedTuple

from depthg.store.arrays import MARKER
from depthg.store.resume import unfinished_ranges

HISTORY, CHECKPOINT = "history.jsonl", "checkpoint.pt"  # of a training; its module loads torch


class Progress(NamedTuple):
    """Rows or steps that are done, of all; `total` None: not known."""

    done: int
    total: int | None
    unit: str

    def __str__(self) -> str:
        if self.done == self.total:
            return f"{self.done:,} {self.unit}"
        of_all = f" of {self.total:,}" if self.total is not None else ""
        share = f", {self.done / self.total:.0%}" if self.total else ""
        return f"{self.done:,}{of_all} {self.unit}{share}"


def store_progress(store: Path) -> Progress | None:
    """The rows of a store that are written; None if it is not begun."""
    try:
        if (store / MARKER).is_file():
            rows = json.loads((store / MARKER).read_text())["rows"]
            return Progress(rows, rows, "rows")
        arrays = (json.loads(path.read_text()) for path in store.glob("*/zarr.json"))
        rows = max(array["shape"][0] for array in arrays)
        return Progress(rows - sum(map(len, unfinished_ranges(store, range(rows)))), rows, "rows")
    except (OSError, ValueError, LookupError, TypeError):  # not begun, or just being begun
        return None


def training_progress(folder: Path, steps: int | None) -> Progress | None:
    """The steps of a training in the folder of a seed, of `steps`; None if it is not begun.

    Of a training that was stopped the checkpoint tells, as Snakemake removes the history.
    """
    done = max(_history_steps(folder / HISTORY), _checkpoint_steps(folder / CHECKPOINT))
    return Progress(done, steps, "steps") if done else None


def _history_steps(history: Path) -> int:
    try:
        return json.loads(history.read_text().splitlines()[-1])["step"] + 1
    except (OSError, ValueError, LookupError, TypeError):  # a line is written every few steps
        return 0


def _checkpoint_steps(checkpoint: Path) -> int:
    """The number that follows the word `step` in the checkpoint, which is neither unpickled nor read as a whole."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            words = [
                word for code, word, _ in pickletools.genops(archive.read(name)) if "PUT" not in code.name
            ]
        found = [word for word in words if word is not None]
        return int(found[found.index("step") + 1])
    except (OSError, ValueError, LookupError, zipfile.BadZipFile):
        return 0
