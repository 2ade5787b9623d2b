"""Shards: files with many rows of one array, in Zarr's sharding format, written batch by batch and read row by row.

A shard begins with its index, the place and size of each inner chunk, followed by the chunks in the order of their
rows; index and chunks each end with their CRC-32C. So a shard in the making is a valid shard without its last rows:
a killed writer goes on in the same file, and leaves the same bytes. Zarr-python reads the same files; its own writer
needs a whole shard in memory and reaches a fifth to a tenth of the throughput (benchmarks/results).
"""

import mmap
import os
import weakref
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from crc32c import crc32c
from numcodecs import blosc

from depthg.runtime.files import naming
from depthg.store.arrays import ShardLayout

MISSING = 2**64 - 1  # place and size of a chunk that is not written
CHECKSUM = 4  # bytes
BUFFERS = 1000  # of one system call


class DamageError(Exception):
    """A chunk is missing, incomplete, or its checksum differs."""


class Encoded(NamedTuple):
    """One chunk as it is stored."""

    content: memoryview | bytes
    checksum: bytes

    @property
    def size(self) -> int:
        return len(self.content) + CHECKSUM


class ShardWriter:
    """Appends rows to a shard.

    Args:
        path: file of the shard.
        layout: its layout.
        written: number of rows in it to keep; rows behind them are overwritten.

    Raises:
        DamageError: the file does not contain these rows.
    """

    def __init__(self, path: Path, layout: ShardLayout, written: int = 0):
        self.path, self.layout = path, layout
        self._index = np.full((layout.chunks, 2), MISSING, "<u8")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | (0 if written else os.O_TRUNC), 0o666)
        self.close = weakref.finalize(self, os.close, self._file)
        kept = -(-written // layout.chunk_rows)
        stored = os.pread(self._file, 16 * kept, 0)
        if len(stored) == 16 * kept:
            self._index[:kept] = np.frombuffer(stored, "<u8").reshape(-1, 2)
        # Missing chunks, and what no writer wrote.
        if (self._index[:kept] > os.fstat(self._file).st_size).any():
            raise DamageError(f"{path} has not the {written} rows that are recorded as finished")
        self._check(kept)
        os.ftruncate(self._file, self._end(kept))

    def _check(self, chunks: int) -> None:
        """Compare the checksums of the first chunks: a machine that went down may have lost what it had written."""
        for place, size in self._index[:chunks].tolist():
            content = os.pread(self._file, size, place)
            if len(content) != size or checksum(content[:-CHECKSUM]) != content[-CHECKSUM:]:
                raise DamageError(f"{self.path}: rows that are recorded as finished are damaged")

    def write(self, first: int, values: np.ndarray, pool: Executor) -> None:
        """Write the rows from `first` on, the next ones of the shard.

        Args:
            first: position of the first row in the shard.
            values: the rows [n, …] in the dtype of the array, contiguous.
            pool: threads that compress; a checksum is made, and a file written, as fast by one.

        Raises:
            OSError: the disk is full; names the file.
        """
        chunk_rows = self.layout.chunk_rows
        start = first // chunk_rows
        stop = -(-(first + len(values)) // chunk_rows)
        each = pool.map if self.layout.array.compress else map
        encoded = list(each(lambda chunk: self._encode(chunk, first, values), range(start, stop)))
        sizes = [chunk.size for chunk in encoded]
        places = self._end(start) + np.cumsum([0, *sizes])
        self._index[start:stop, 0], self._index[start:stop, 1] = places[:-1], sizes
        index = self._index.tobytes()
        with naming(self.path):
            write_all(self._file, [part for chunk in encoded for part in chunk], int(places[0]))
            write_all(self._file, [index, checksum(index)], 0)

    def _end(self, chunk: int) -> int:
        """Where a chunk begins: behind the one before it."""
        return int(self._index[chunk - 1].sum()) if chunk else index_bytes(self.layout)

    def _encode(self, chunk: int, first: int, values: np.ndarray) -> Encoded:
        """A chunk with its rows of `values`, which begin at row `first` of the shard."""
        rows = self.layout.chunk_rows
        begin = chunk * rows - first
        block = values[max(begin, 0) : begin + rows]
        if len(block) < rows:
            whole = self._written(chunk) if begin < 0 else self._blank()
            whole[max(-begin, 0) :][: len(block)] = block
            block = whole
        if self.layout.array.compress:
            content = blosc.Blosc("zstd", 3, blosc.BITSHUFFLE).encode(block)
        else:
            content = block.reshape(-1).view(np.uint8).data
        return Encoded(content, checksum(content))

    def _blank(self) -> np.ndarray:
        array = self.layout.array
        return np.full((self.layout.chunk_rows, *array.shape), array.fill, array.dtype)

    def _written(self, chunk: int) -> np.ndarray:
        """A chunk of which a batch before this one wrote the first rows."""
        block = self._blank()
        os.preadv(self._file, [block.reshape(-1).view(np.uint8).data], int(self._index[chunk, 0]))
        return block


class Shard:
    """A shard, opened for reading; safe to fork, and to read from several threads.

    Args:
        path: file of the shard.
        layout: its layout.

    Raises:
        DamageError: there is no such file, or its index is damaged.
    """

    def __init__(self, path: str, layout: ShardLayout):
        try:
            self._file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise DamageError(f"{path} is missing") from None
        weakref.finalize(self, os.close, self._file)
        self.layout = layout
        index = os.pread(self._file, index_bytes(layout), 0)
        content = index[:-CHECKSUM]
        if len(index) < index_bytes(layout) or checksum(content) != index[-CHECKSUM:]:
            raise DamageError(f"the index of {path} is damaged")
        self._index = np.frombuffer(content, "<u8").reshape(-1, 2).tolist()

    def read(self, chunk: int, values: np.ndarray) -> None:
        """Read a chunk into `values` [chunk_rows, …], after a comparison of its checksum.

        Raises:
            DamageError: the chunk is missing or damaged.
        """
        target = values.reshape(-1).view(np.uint8).data
        place, size = self._place(chunk)
        content = np.empty(size - CHECKSUM, np.uint8).data if self.layout.array.compress else target
        expected = bytearray(CHECKSUM)
        if len(content) != size - CHECKSUM or os.preadv(self._file, [content, expected], place) != size:
            raise DamageError("incomplete")
        if checksum(content) != expected:
            raise DamageError("damaged")
        if self.layout.array.compress:
            blosc.Blosc().decode(content, target)

    def mapped(self, chunk: int, check: bool = True) -> np.ndarray:
        """A chunk of an uncompressed array, memory-mapped, flat.

        Args:
            chunk: number of the chunk in the shard.
            check: compare its checksum, for which all of it is read; else only what is used is.

        Raises:
            DamageError: the chunk is missing or damaged.
        """
        place, size = self._place(chunk)
        begin = place - place % mmap.ALLOCATIONGRANULARITY
        if place + size > os.fstat(self._file).st_size:
            raise DamageError("incomplete")
        content = mmap.mmap(self._file, place + size - begin, access=mmap.ACCESS_READ, offset=begin)
        with memoryview(content) as bytes_:
            inner = bytes_[place - begin : -CHECKSUM]
            if check and checksum(inner) != bytes_[-CHECKSUM:]:
                raise DamageError("damaged")
        dtype = np.dtype(self.layout.array.dtype)
        return np.frombuffer(content, dtype, (size - CHECKSUM) // dtype.itemsize, place - begin)

    def _place(self, chunk: int) -> tuple[int, int]:
        place, size = self._index[chunk]
        if place == MISSING:
            raise DamageError("missing")
        return place, size


def index_bytes(layout: ShardLayout) -> int:
    """Size of the index of a shard, with its checksum."""
    return 16 * layout.chunks + CHECKSUM


def checksum(content: memoryview | bytes) -> bytes:
    """The CRC-32C of some bytes, as Zarr stores it."""
    return crc32c(content).to_bytes(CHECKSUM, "little")


def write_all(file: int, parts: Sequence[memoryview | bytes], place: int) -> None:
    """Write parts one behind the other, from `place` in a file on.

    Raises:
        OSError: the disk is full.
    """
    for start in range(0, len(parts), BUFFERS):
        some = parts[start : start + BUFFERS]
        size, written = sum(map(len, some)), os.pwritev(file, some, place)
        rest = memoryview(b"".join(some))[written:] if written < size else b""
        while rest:  # the disk is nearly full: the next call says so
            written = os.pwrite(file, rest, place + size - len(rest))
            rest = rest[written:]
        place += size
