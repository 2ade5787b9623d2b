"""What a store holds: its arrays, how their rows lie in chunks, and the file that says that all are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MARKER = "complete.json"
CHUNK_BYTES = 64 << 10
CHUNK_ROWS = 256  # at most: a store cannot be written in more parts than its longest chunks allow


Rows = Sequence[int] | range | slice | np.ndarray  # how the rows of a store are asked for


@dataclass(frozen=True)
class Array:
    """What one array of a store holds: the shape of a row, its dtype, and whether compression pays.

    Features do not compress (8–18 % at most) and are stored raw; labels, depth and photographs are not.
    """

    shape: tuple[int, ...]
    dtype: str
    compress: bool = True

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    @property
    def chunk_rows(self) -> int:
        """Rows a chunk: a power of two, so that the chunks of all arrays of a store begin together."""
        fitting = min(CHUNK_ROWS, CHUNK_BYTES // self.row_bytes)
        return 1 << max(0, fitting.bit_length() - 1)

    @property
    def fill(self) -> float | int:
        """NaN for floats, −128 for int8, so that a chunk that was never written cannot pass for data."""
        return float("nan") if np.dtype(self.dtype).kind == "f" else -128 if self.dtype == "int8" else 0


def row_bytes(arrays: Mapping[str, Array]) -> int:
    """What a row of a store takes on the disk at most."""
    return sum(array.row_bytes for array in arrays.values())
