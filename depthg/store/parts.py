"""Parts of a store: ranges of consecutive rows that several jobs write concurrently.

Zarr loses rows when two processes write the same chunk, so a part begins at a chunk boundary. It also begins at a
boundary of batches that are computed together, so that results do not depend on the number of parts.
"""

import glob
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from depthg.errors import DepthGError
from depthg.store.lock import Lock

OPENING = ".opening.lock"


@dataclass(frozen=True)
class Part:
    """Part `number` (from 1) of `of`; `number` None stands for all parts, to mark the store complete."""

    number: int | None
    of: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """The part in the notation `2/3` or `all/3`.

        Raises:
            DepthGError: the text is not in this notation, or there is no part of this number.
        """
        match = re.fullmatch(r"(all|[1-9]\d*)/([1-9]\d*)", text)
        if match and match[1] == "all":
            return cls(None, int(match[2]))
        if match and int(match[1]) <= int(match[2]):
            return cls(int(match[1]), int(match[2]))
        raise DepthGError(f"--part {text}: no such part: write 1/4 … 4/4 for the parts of four, or all/4")

    def __str__(self) -> str:
        return f"{self.number or 'all'}/{self.of}"

    @property
    def is_alone(self) -> bool:
        """Whether it covers the whole store, so that no other process may write the store."""
        return self.of == 1 or self.number is None

    def rows(self, rows: int, unit: int) -> range:
        """The range of this part in a store of `rows` rows, in blocks of `unit`; parts differ by at most one block.

        The range is empty if there are more parts than blocks.
        """
        assert self.number is not None
        blocks = -(-rows // unit)
        first, stop = (min(blocks * part // self.of * unit, rows) for part in (self.number - 1, self.number))
        return range(first, stop)

    def note(self, store: Path) -> Path:
        """The marker file of this part, written when it is finished: the output file of its Snakemake rule."""
        return store / "parts" / f"{self.number}of{self.of}.json"

    def claim(self, store: Path) -> Lock:
        """Acquire the lock of this part of a store.

        Raises:
            DepthGError: another process is writing it.
        """
        own = "" if self.is_alone else f".{self.number}of{self.of}"
        return Lock(store.with_name(f"{store.name}{own}.lock"), Path(f"{store}{own and f' (part {self})'}"))

    def others(self, store: Path) -> list[Path]:
        """Lock files of conflicting writers: of the whole store, or of a division into another number of parts."""
        beside = f"{store.name}.lock" if self.is_alone else f"of{self.of}.lock"
        return [lock for lock in _locks(store) if not lock.name.endswith(beside)]


WHOLE = Part(1, 1)


def check_unused(store: Path) -> None:
    """Check that no process is writing a part of a store that is to be replaced.

    Raises:
        DepthGError: a process is writing it, for example with another precision on another kind of GPU.
    """
    for lock in _locks(store):
        Lock(lock, store).release()


@contextmanager
def opening(store: Path, part: Part) -> Iterator[None]:
    """A lock around creating a store or inspecting its state: one writer at a time.

    Raises:
        DepthGError: another process is writing the store with another number of parts.
    """
    lock = Lock(store.with_name(store.name + OPENING), store, wait=True)
    try:
        for other in part.others(store):
            Lock(other, store).release()
        yield
    finally:
        lock.release()


def _locks(store: Path) -> list[Path]:
    """Lock files of the writers of a store or its parts."""
    found = glob.glob(f"{glob.escape(str(store))}*.lock")
    return [Path(path) for path in found if not path.endswith(OPENING)]
