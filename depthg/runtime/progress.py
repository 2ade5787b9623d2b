"""Progress bars and messages on the user's terminal, while standard output goes to a log file.

The Snakefile opens file descriptor 3 on the terminal and sets `DEPTHG_TERMINAL` to its number; a command that is run
by hand writes to standard error. Where depthg.report.terminal draws the lines of all jobs, the descriptor is a file
that it reads, and progress is told by notes.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TextIO, TypeVar

from tqdm import tqdm

from depthg.runtime.notes import FOLDER, NotingBar

T = TypeVar("T")


def terminal() -> TextIO:
    """The text stream of the user's terminal."""
    return _opened(os.environ.get("DEPTHG_TERMINAL", "")) or sys.stderr


@cache
def _opened(descriptor: str) -> TextIO | None:
    try:
        return os.fdopen(int(descriptor), "w", closefd=False)
    except (OSError, ValueError):  # not set, or the descriptor is no longer open
        return None


def track(items: Iterable[T], total: int | None, what: str, done: int = 0) -> Iterator[T]:
    """Iterate over `items` with a progress bar labelled `what`, which starts at `done` of `total` steps."""
    folder, stream = Path(os.environ.get(FOLDER) or os.devnull), terminal()
    if folder.is_dir():
        yield from NotingBar(items, folder, total=total, initial=done)
    else:
        yield from tqdm(
            items, desc=what, total=total, initial=done, file=stream, disable=not stream.isatty(), leave=False
        )


def info(message: str) -> None:
    """Print one line to the log and to the terminal."""
    print(message, flush=True)
    if terminal() is not sys.stderr:
        print(message, file=terminal(), flush=True)


def warn(message: str) -> None:
    """Print one line, prefixed by `warning:`, to the log and to the terminal."""
    info(f"warning: {message}")
