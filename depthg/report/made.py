"""What was made below a folder, on whichever disk: folders that were moved to a larger one are linked."""

from collections.abc import Iterator
from pathlib import Path

from depthg.data.walk import walk


def made_below(folder: Path) -> Iterator[Path]:
    """Paths of stores, complete or not, and of files outside them, at any depth and through links; not sorted."""
    for parent, below, names in walk(folder):
        stores = [name for name in below if name.endswith(".zarr")]
        below[:] = [name for name in below if name not in stores]
        yield from (parent / name for name in (*stores, *names))


def stores_below(folder: Path) -> list[Path]:
    """The stores at any depth, complete or not, sorted."""
    return sorted(path for path in made_below(folder) if path.suffix == ".zarr")
