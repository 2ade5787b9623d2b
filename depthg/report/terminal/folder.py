"""The folder in which the jobs of a run leave notes; those of runs that were killed are removed by the next one."""

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TextIO

PREFIX = "depthg-"
LINES = "lines"  # what jobs tell; the run holds a lock of this file, which ends with it


def open_folder() -> tuple[Path, TextIO]:
    """A new folder, and its file of lines for reading, locked until it is closed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)
    hidden = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))  # from other runs, until it is locked
    lines = (hidden / LINES).open("w+")
    fcntl.flock(lines, fcntl.LOCK_EX)
    return hidden.rename(hidden.with_name(hidden.name.removeprefix("."))), lines


def _is_left(folder: Path) -> bool:
    """Whether its run has ended."""
    try:
        with (folder / LINES).open("r+") as lines:
            fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # it lives, is of another user, or no folder of a run
        return False
    return True
