"""The layout of a store: its arrays, their chunks, and the marker file of a complete store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MARKER = "complete.json"
CHUNK_BYTES = 64 << 10
CHUNK_ROWS = 256  # at most, as a part of a store begins where a chunk does

Rows = Sequence[int] | range | slice | np.ndarray  # which rows of a store to read


@dataclass(frozen=True)
class Array:
    """One array of a store.

    Attributes:
        shape: of a row.
        dtype: NumPy's name of it.
        compress: whether Blosc-zstd compresses it; tokens would shrink by 8–18 % at most and stay raw.

    Example:
        >>> Array((28, 28, 384), "float16", compress=False).row_bytes
        602112
    """

    shape: tuple[int, ...]
    dtype: str
    compress: bool = True

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, uncompressed."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    @property
    def chunk_rows(self) -> int:
        """Rows in a chunk: a power of two, so that the chunks of all arrays of a store have common borders."""
        fitting = min(CHUNK_ROWS, CHUNK_BYTES // self.row_bytes)
        return 1 << max(0, fitting.bit_length() - 1)

    @property
    def fill(self) -> float | int:
        """NaN for floats, −128 for int8: a chunk that was never written is not mistaken for data."""
        return float("nan") if np.dtype(self.dtype).kind == "f" else -128 if self.dtype == "int8" else 0


def row_bytes(arrays: Mapping[str, Array]) -> int:
    """Bytes of one row of all arrays of a store, uncompressed."""
    return sum(array.row_bytes for array in arrays.values())
