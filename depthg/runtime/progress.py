"""Progress and messages for the person at the terminal, beside the log file.

The Snakefile opens file descriptor 3 on the terminal and names it in `DEPTHG_TERMINAL`; a command run by
hand writes to its own standard error.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def terminal() -> TextIO:
    """The stream that reaches the user's terminal."""
    return _opened(os.environ.get("DEPTHG_TERMINAL", "")) or sys.stderr


@cache
def _opened(descriptor: str) -> TextIO | None:
    try:
        return os.fdopen(int(descriptor), "w", closefd=False)
    except (OSError, ValueError):  # no number, or the variable outlived the descriptor
        return None


def track(items: Iterable[T], total: int | None, what: str, done: int = 0) -> Iterator[T]:
    """Iterate over `items` with a progress bar named `what`; `done` of `total` are finished already."""
    stream = terminal()
    yield from tqdm(
        items, desc=what, total=total, initial=done, file=stream, disable=not stream.isatty(), leave=False
    )


def info(message: str) -> None:
    """Show one line to the user and keep it in the log."""
    print(message, flush=True)
    if terminal() is not sys.stderr:
        print(message, file=terminal(), flush=True)


def warn(message: str) -> None:
    """Show one line that starts with `warning:`."""
    info(f"warning: {message}")
