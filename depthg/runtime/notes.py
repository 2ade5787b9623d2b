"""Notes of how far jobs are, for a process that shows all of them: a small file each, in the folder that it names.

A job is known by the file that its standard output goes to, its log, whose inode number names the note.
"""

import io
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

FOLDER = "DEPTHG_NOTES"  # names the folder
EVERY = 0.5  # seconds from one note to the next


class Note(NamedTuple):
    """How far a job is.

    Attributes:
        done: steps that are done.
        total: steps of all, None if that is not known.
        left: seconds to go as it seemed at the time `at`, None if that is not known.
        at: seconds since 1970.
    """

    done: float
    total: float | None
    left: float | None
    at: float

    @classmethod
    def read(cls, folder: Path, log: Path) -> "Note | None":
        """The note of the job with this log, if there is one."""
        try:
            return cls(*json.loads(_path(folder, log.stat().st_ino).read_text()))
        except (OSError, ValueError, TypeError):
            return None


class NotingBar(tqdm):
    """A progress bar that is drawn by another process, from notes."""

    def __init__(self, items: Iterable[Any], folder: Path, **options: Any):
        self.path = _path(folder, os.fstat(1).st_ino)
        super().__init__(items, file=io.StringIO(), mininterval=EVERY, smoothing=0.1, leave=False, **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write a note; remove it at the end, which tqdm tells by an empty message."""
        try:
            if msg == "":
                self.path.unlink()
            else:
                draft = self.path.with_suffix(".tmp")
                draft.write_text(json.dumps(self._note()))
                os.replace(draft, self.path)
        except OSError:  # the process that reads them has ended
            pass

    def _note(self) -> Note:
        state = self.format_dict
        done, total = state["n"], state["total"]
        rate = state["rate"] or (done - state["initial"]) / max(state["elapsed"], 1e-9)
        return Note(done, total, (total - done) / rate if total and rate else None, time.time())


def _path(folder: Path, inode: int) -> Path:
    return folder / f"{inode}.json"
