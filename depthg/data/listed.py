"""Data sets with list files: the names of the images to use, one per line."""

import os
from pathlib import Path

from depthg.data.records import Files
from depthg.errors import DepthGError


def listed(root: Path, names: str, image: str, label: str) -> list[Files]:
    """The images on a list and their labels.

    Args:
        root: folder of the data set.
        names: path of the list, relative to `root`.
        image: path of an image relative to `root`, with `{}` for its name.
        label: path of a label, in the same notation.

    Raises:
        DepthGError: the list is missing or empty, or files on it are missing.
    """
    lines = _lines(root / names)
    paths = [(root / image.format(line), root / label.format(line)) for line in lines]
    check_present([path for pair in paths for path in pair], str(root / names))
    return list(paths)


def check_present(paths: list[Path], source: str) -> None:
    """Check that files exist, reading each of their folders only once.

    Raises:
        DepthGError: files are missing; names the first, their number, and the `source` that refers to them.
    """
    present = {folder: _names(folder) for folder in {path.parent for path in paths}}
    missing = [path for path in paths if path.name not in present[path.parent]]
    if missing:
        raise DepthGError(
            f"{missing[0]}: missing, the first of {len(missing):,} files of {len(paths):,} that {source} asks for: "
            "finish the download or unpacking"
        )


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise DepthGError(f"{path}: {error.strerror}: put this list there") from None
    if not lines:
        raise DepthGError(f"{path}: lists no images: put the whole list there")
    return lines


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return set()
