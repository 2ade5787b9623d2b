"""The layout of a store: its arrays, their chunks, and the marker file of a complete store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MARKER = "complete.json"
CHUNK_BYTES = 64 << 10
CHUNK_ROWS = 256  # per chunk at most: parts of a store begin at chunk boundaries

Rows = Sequence[int] | range | slice | np.ndarray  # which rows of a store to read


@dataclass(frozen=True)
class Array:
    """Layout of one array of a store.

    Attributes:
        shape: shape of one row.
        dtype: NumPy name of the dtype.
        compress: whether chunks are compressed by Blosc-zstd; not worth it for tokens, which shrink by 8–18 % at most.

    Example:
        >>> Array((28, 28, 384), "float16", compress=False).row_bytes
        602112
    """

    shape: tuple[int, ...]
    dtype: str
    compress: bool = True

    @property
    def row_bytes(self) -> int:
        """Size of one row in bytes, uncompressed."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    @property
    def chunk_rows(self) -> int:
        """Rows per chunk: a power of two, so that the chunk boundaries of all arrays of a store coincide."""
        fitting = min(CHUNK_ROWS, CHUNK_BYTES // self.row_bytes)
        return 1 << max(0, fitting.bit_length() - 1)

    @property
    def fill(self) -> float | int:
        """Fill value of unwritten chunks: NaN for floats, −128 for int8 (both mark missing data), else 0."""
        return float("nan") if np.dtype(self.dtype).kind == "f" else -128 if self.dtype == "int8" else 0


def row_bytes(arrays: Mapping[str, Array]) -> int:
    """Size in bytes of one row of all arrays together, uncompressed."""
    return sum(array.row_bytes for array in arrays.values())
