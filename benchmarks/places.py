"""Where benchmarks write: in memory, so that no disk is measured, and on the disk of the temporary folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")


@contextmanager
def in_memory(needed: float) -> Iterator[Path | None]:
    """A folder in memory within the block; None where there is none with room for `needed` bytes."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < needed:
        yield None
        return
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@contextmanager
def fastest(root: Path, needed: float) -> Iterator[tuple[Path, str]]:
    """A folder in memory within the block, else `root`; and what to call it."""
    with in_memory(needed) as folder:
        yield (folder, "store in memory") if folder else (root, "store on disk")
