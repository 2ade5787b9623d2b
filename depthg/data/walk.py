"""The files below a folder: links are followed, and a folder that is reached twice is read once."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from depthg.errors import DepthGError


def files_below(folder: Path, skip: tuple[str, ...] = ()) -> list[Path]:
    """All files at any depth, sorted; hidden files and folders are left out.

    A folder that links lead to again, also from within itself, is read where it is found first, in sorted order.

    Args:
        folder: where to look; nothing is found if it does not exist.
        skip: names of folders directly below `folder` that are left out as well.

    Raises:
        DepthGError: a folder may not be read, or a name is no text in UTF-8.
    """
    found: list[Path] = []
    for parent, below, names in walk(folder, _refused):
        skipped = skip if parent == folder else ()
        below[:] = [name for name in below if not name.startswith(".") and name not in skipped]
        found += [parent / name for name in names if not name.startswith(".")]
    for path in found:
        check_name(path)
    return sorted(found)


def walk(
    folder: Path, refused: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """`os.walk` in sorted order and through links, which `rglob` of Python 3.11 and 3.12 does not follow.

    Args:
        folder: where to begin; nothing is found if it does not exist.
        refused: is called with the error of a folder that may not be read; None: it is left out.

    Yields:
        Each folder once, the names of those in it, of which the caller may remove some, and of the files in it.
    """
    seen: set[tuple[int, int]] = set()
    for parent, below, names in os.walk(folder, followlinks=True, onerror=refused):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        below.sort()
        yield Path(parent), below, names


def check_name(path: Path) -> None:
    """Check that a path can be written into a table.

    Raises:
        DepthGError: it is no text in UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode(errors="backslashreplace")
        raise DepthGError(f"{shown}: this name is not UTF-8: rename the file or folder") from None


def _refused(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise DepthGError(f"{error.filename}: {error.strerror}: make the folder readable, or move it away")
