"""Checking a store: which rows are missing or damaged, and how they are made again without the others."""

import math
import shutil
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from depthg.runtime.progress import track
from depthg.store.arrays import MARKER
from depthg.store.begun import unit_of
from depthg.store.parts import WHOLE, opening
from depthg.store.reader import Store
from depthg.store.resume import mark_unfinished
from depthg.store.shards import DamageError, Shard


class Damage(NamedTuple):
    """Rows of one array that cannot be read, and why."""

    name: str
    rows: range
    reason: str

    def __str__(self) -> str:
        rows = f"row {self.rows[0]}" if len(self.rows) == 1 else f"rows {self.rows[0]}–{self.rows[-1]}"
        return f"{self.name}: {rows}: {self.reason}"


def find_damage(store: Store) -> Iterator[Damage]:
    """Read every chunk of a store and compare its checksum; yields what cannot be read."""
    shards = [(name, number) for name in store.names for number in range(-(-len(store) // store.shard_rows))]
    for name, number in track(shards, len(shards), f"verify {store.path.name}"):
        yield from _merged(_damage_of(store, name, number))


def reopen(store: Store, damages: Sequence[Damage]) -> None:
    """Mark the shards of damaged rows as unfinished, so that the rule that made the store makes these rows again.

    Rows that were computed together are made again together, so that they get the same bytes.

    Raises:
        DepthGError: a process is writing the store.
    """
    size = math.lcm(store.shard_rows, unit_of(store.path))
    bad = {row // size for damage in damages for row in damage.rows}
    with WHOLE.claim(store.path), opening(store.path, WHOLE):
        (store.path / MARKER).unlink()
        shutil.rmtree(store.path / "parts", ignore_errors=True)
        for block in bad:
            mark_unfinished(store.path, range(block * size, min((block + 1) * size, len(store))))


def _damage_of(store: Store, name: str, number: int) -> Iterator[Damage]:
    layout = store.layout(name)
    first = number * layout.shard_rows
    stop = min(first + layout.shard_rows, len(store))
    try:
        shard = Shard(str(store.path / name / layout.file(number)), layout)
    except DamageError as error:
        yield Damage(name, range(first, stop), str(error))
        return
    block = np.empty((layout.chunk_rows, *layout.array.shape), layout.array.dtype)
    for start in range(first, stop, layout.chunk_rows):
        try:
            shard.read((start - first) // layout.chunk_rows, block)
        except DamageError as error:
            yield Damage(name, range(start, min(start + layout.chunk_rows, stop)), str(error))


def _merged(damages: Iterator[Damage]) -> Iterator[Damage]:
    """The same, with neighbouring rows of one reason in one range."""
    last = None
    for damage in damages:
        if last and (last.rows.stop, last.reason) == (damage.rows.start, damage.reason):
            last = last._replace(rows=range(last.rows.start, damage.rows.stop))
        else:
            if last:
                yield last
            last = damage
    if last:
        yield last
