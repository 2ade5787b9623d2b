"""Parts of a store: consecutive rows that several jobs write at the same time.

Zarr loses rows where two processes write one chunk, so a part begins at the border of a chunk; and at the border of
a batch of rows that are computed together, so that the bytes do not depend on the number of parts.
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
    """Part `number` (from 1) of `of`; without a number, all parts, which are to be completed."""

    number: int | None = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Part":
        """The part that `2/3` or `all/3` names.

        Raises:
            DepthGError: it names none.
        """
        found = re.fullmatch(r"(all|\d+)/(\d+)", text)
        number, of = (found[1], int(found[2])) if found else ("0", 0)
        if (number != "all" and not 1 <= int(number) <= of) or not of:
            raise DepthGError(f"--part {text}: no such part: write 1/4 … 4/4 for the parts of four, or all/4")
        return cls(None if number == "all" else int(number), of)

    def __str__(self) -> str:
        return f"{self.number or 'all'}/{self.of}"

    @property
    def is_alone(self) -> bool:
        """Whether it is the whole store, so that no other process may write it."""
        return self.of == 1 or self.number is None

    def rows(self, rows: int, unit: int) -> range:
        """Its share of `rows` rows, in blocks of `unit`: parts differ by one block at most.

        Empty where there are more parts than blocks.
        """
        assert self.number is not None
        blocks = -(-rows // unit)
        first, stop = (min(blocks * part // self.of * unit, rows) for part in (self.number - 1, self.number))
        return range(first, stop)

    def note(self, store: Path) -> Path:
        """The file that says that this part of a store is written; Snakemake watches it."""
        return store / "parts" / f"{self.number}of{self.of}.json"

    def claim(self, store: Path) -> Lock:
        """The lock of this part of a store.

        Raises:
            DepthGError: another process is writing it.
        """
        own = "" if self.is_alone else f".{self.number}of{self.of}"
        return Lock(store.with_name(f"{store.name}{own}.lock"), Path(f"{store}{own and f' (part {self})'}"))

    def others(self, store: Path) -> list[Path]:
        """Lock files of writers that exclude this part: of the whole store, or of another number of parts."""
        beside = f"{store.name}.lock" if self.is_alone else f"of{self.of}.lock"
        locks = (Path(path) for path in glob.glob(f"{glob.escape(str(store))}*.lock"))
        return [lock for lock in locks if not lock.name.endswith((beside, OPENING))]


WHOLE = Part()


@contextmanager
def opening(store: Path, part: Part) -> Iterator[None]:
    """Held while a writer creates a store or looks at its state: one writer at a time.

    Raises:
        DepthGError: another process is writing the store in another number of parts.
    """
    lock = Lock(store.with_name(store.name + OPENING), store, wait=True)
    try:
        for other in part.others(store):
            Lock(other, store).release()
        yield
    finally:
        lock.release()
