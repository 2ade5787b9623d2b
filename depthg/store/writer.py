"""Writing the rows of a store, or of a part of it; a killed job resumes after its last finished batch."""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from depthg.errors import DepthGError
from depthg.runtime.progress import track, warn
from depthg.runtime.threads import allowed_threads
from depthg.store.arrays import Array, ShardLayout, shard_rows
from depthg.store.begun import begin, unit_of
from depthg.store.completion import forget, mark_complete, mark_part
from depthg.store.parts import WHOLE, Part, opening
from depthg.store.resume import mark_finished, mark_unfinished, unfinished_ranges
from depthg.store.shards import DamageError, ShardWriter

THREADS = min(4, allowed_threads())  # that compress
SHARDS = THREADS  # that are written at the same time


class Writer:
    """Writes the rows of a store, or of one part of it, batch by batch.

    Until it finishes or its process ends, a lock file (`<name>.zarr.lock`, `<name>.zarr.2of3.lock`) excludes other
    writers of the same part, and writers that divide the store into another number of parts.

    Args:
        path: folder of the store, ending in `.zarr`.
        rows: number of rows of the whole store.
        arrays: name → layout of the array.
        provenance: settings, and fingerprints of the input stores; a store with another provenance is replaced.
        part: the part of the store to write.
        unit: number of rows that are computed together; a part begins at a multiple of it. A store that was begun
            keeps its own.

    Attributes:
        unit: number of rows that are computed together.
        own: range of the rows of `part`.
        done: how many of these are finished.

    Raises:
        DepthGError: the disk is too full, or another process is writing the store.

    Example:
        >>> writer = Writer(Path("ids.zarr"), 4, {"ids": Array((), "int32")}, {"settings": 1})
        >>> for rows in writer.pending(2):
        ...     writer.write(rows, ids=np.arange(rows.start, rows.stop))
        >>> writer.finish()
    """

    def __init__(
        self,
        path: Path,
        rows: int,
        arrays: Mapping[str, Array],
        provenance: Mapping[str, Any],
        part: Part = WHOLE,
        unit: int = 1,
    ):
        self.path, self.rows, self.arrays, self.part = Path(path), rows, dict(arrays), part
        self.shard_rows = shard_rows(rows, arrays)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with opening(self.path, part):
            self.fingerprint = begin(self.path, rows, arrays, provenance, unit)
            self._lock = part.claim(self.path)
            forget(self.path, part)
        self._pool = ThreadPoolExecutor(THREADS, "writers")
        self._open, self._runs, self._counting = dict[int, dict[str, ShardWriter]](), dict[int, int](), Lock()
        # A job on another card may have begun the store, with another number: parts must not overlap.
        self.unit = unit_of(self.path)
        self.own = part.rows(rows, math.lcm(self.unit, self.shard_rows))
        self._forget_lost()
        self.done = len(self.own) - sum(map(len, unfinished_ranges(self.path, self.own)))

    def _forget_lost(self) -> None:
        """Begin those shards again in which rows that are recorded as finished are missing or damaged."""
        for row in [gap.start for gap in unfinished_ranges(self.path, self.own)]:
            shard, written = divmod(row, self.shard_rows)
            begun = range(max(row - written, self.own.start), row)
            try:
                for name, array in self.arrays.items() if begun else ():
                    self._file(name, array.sharded(self.shard_rows), shard, written).close()
            except DamageError as error:
                warn(f"{error}: rows {begun[0]}–{begun[-1]} are made again")
                mark_unfinished(self.path, begun)

    def pending(self, batch: int, shards: int = 1) -> Iterator[range]:
        """The unfinished rows, in ranges of at most `batch` rows.

        Args:
            batch: rows of a range.
            shards: with more than one, each range lies in one shard, and so many shards take turns; ranges of
                different shards may be written at the same time.
        """
        gaps = unfinished_ranges(self.path, self.own)
        whole = gaps if shards == 1 else (one for gap in gaps for one in _by_shard(gap, self.shard_rows))
        turns = deque(islice(whole, shards))
        while turns:
            rows = turns.popleft()
            yield rows[:batch]
            if rest := rows[batch:]:
                turns.append(rest)
            elif following := next(whole, None):
                turns.append(following)

    def tracked(self, batch: int, what: str, shards: int = 1) -> Iterator[range]:
        """`pending`, with a progress bar labelled `what`."""
        total, done = -(-len(self.own) // batch), self.done // batch
        named = what if self.part == WHOLE else f"{what}, part {self.part}"
        return track(self.pending(batch, shards), total, named, done)

    def together(self, batch: int) -> int:
        """How many shards may be written at the same time in batches of so many rows: one if a batch is larger."""
        return SHARDS if batch <= self.shard_rows else 1

    def shard(self, rows: range) -> int:
        """Number of the shard in which a range of rows begins."""
        return rows.start // self.shard_rows

    def write(self, rows: range, **values: np.ndarray) -> None:
        """Write a range of rows of every array, then record it as finished.

        Args:
            rows: the next range of `pending`, or the next one of its shard.
            values: array name → values [len(rows), …], cast to the dtype of the array.

        Raises:
            ValueError: an array is missing, unknown, or of another shape.
        """
        expected = {name: (len(rows), *array.shape) for name, array in self.arrays.items()}
        given = {name: np.shape(value) for name, value in values.items()}
        if given != expected:
            raise ValueError(f"expected arrays of the shapes {expected}, got {given}")
        cast = {name: np.asarray(value, self.arrays[name].dtype, order="C") for name, value in values.items()}
        for own in _by_shard(rows, self.shard_rows):
            for name, file in self._files(own.start).items():
                some = cast[name][own.start - rows.start : own.stop - rows.start]
                file.write(own.start % self.shard_rows, some, self._pool)
            if own.stop % self.shard_rows == 0:
                self._close(self.shard(own))
        start = self._runs.pop(rows.start, rows.start)
        mark_finished(self.path, range(start, rows.stop))
        self._runs[rows.stop] = start
        with self._counting:
            self.done += len(rows)

    def _files(self, row: int) -> dict[str, ShardWriter]:
        """The shard of each array in which a row is written next."""
        shard, written = divmod(row, self.shard_rows)
        if shard not in self._open:
            self._open[shard] = {
                name: self._file(name, array.sharded(self.shard_rows), shard, written)
                for name, array in self.arrays.items()
            }
        return self._open[shard]

    def _file(self, name: str, layout: ShardLayout, shard: int, written: int) -> ShardWriter:
        return ShardWriter(self.path / name / layout.file(shard), layout, written)

    def _close(self, shard: int) -> None:
        for file in self._open.pop(shard).values():
            file.close()

    def finish(self) -> None:
        """Mark the store complete, or its part finished; once all parts are, call `complete`.

        Raises:
            DepthGError: rows are unfinished.
        """
        if self.done != len(self.own):
            raise DepthGError(
                f"{self.path}: {self.done} of {len(self.own)} rows written, cannot be completed"
            )
        if self.part == WHOLE:
            mark_complete(self.path, self.fingerprint, self.rows)
        else:
            mark_part(self.path, self.part, self.fingerprint, self.rows)
        for shard in list(self._open):
            self._close(shard)
        self._pool.shutdown()
        self._lock.release()


def _by_shard(rows: range, shard_rows: int) -> Iterator[range]:
    """Rows in ranges that lie in one shard each."""
    while rows:
        own = shard_rows - rows.start % shard_rows
        yield rows[:own]
        rows = rows[own:]
