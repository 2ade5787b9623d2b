"""The layout of a store: its arrays, their chunks and shards, and the names of the files beside them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from depthg.errors import DepthGError

MARKER, RECORD = "complete.json", "fingerprint.json"
CODECS = {"bytes", "blosc", "crc32c"}  # of a chunk
CHUNK_BYTES = 64 << 10
SHARD_BYTES = 256 * 10**6
SHARD_ROWS = 1024  # at most, so that parts of a store can be made by many jobs
SHARDS = 16  # at least, if there are as many rows: parts of a small store begin at shards as well

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
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def fill(self) -> float | int:
        """Fill value of unwritten chunks: NaN for floats, −128 for int8 (both mark missing data), else 0."""
        return float("nan") if np.dtype(self.dtype).kind == "f" else -128 if self.dtype == "int8" else 0

    def sharded(self, shard_rows: int) -> "ShardLayout":
        """Its layout in shards of `shard_rows` rows: a row is a chunk, but small uncompressed rows share chunks."""
        fitting = 1 if self.compress else min(shard_rows, CHUNK_BYTES // self.row_bytes)
        return ShardLayout(self, shard_rows, power_of_two(fitting))


def read_json(path: Path, store: Path) -> dict[str, Any]:
    """The content of a file of metadata of a store.

    Raises:
        DepthGError: it is missing or no JSON object; says how to make the store again.
    """
    with damaged(path, store):
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("no JSON object")
        return content


@contextmanager
def damaged(path: Path, store: Path) -> Iterator[None]:
    """Turn what goes wrong with the metadata in the file `path` into a DepthGError that names file and remedy."""
    try:
        yield
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise DepthGError(
            f"{path}: damaged ({type(error).__name__}): remove {store}, and make it again with "
            f"`snakemake --cores 2 {store / MARKER}`"
        ) from None


@dataclass(frozen=True)
class ShardLayout:
    """Layout of the shards of an array.

    Attributes:
        array: layout of the array.
        shard_rows: rows in a shard.
        chunk_rows: rows in an inner chunk, the unit of reading; both are powers of two.
    """

    array: Array
    shard_rows: int
    chunk_rows: int

    @classmethod
    def read(cls, path: Path) -> "ShardLayout":
        """The layout of the Zarr array in the folder `path`, from its metadata.

        Raises:
            DepthGError: it has no shards: an earlier version of depthg wrote it; or its metadata is damaged.
        """
        metadata = read_json(path / "zarr.json", path.parent)
        with damaged(path / "zarr.json", path.parent):
            outer = metadata["codecs"][0]
            if outer["name"] != "sharding_indexed":
                raise DepthGError(
                    f"{path.parent} has one file a chunk, as stores of earlier versions: remove it, and make it "
                    f"again with `snakemake --cores 2 {path.parent / MARKER}`"
                )
            inner = outer["configuration"]
            codecs = {codec["name"] for codec in inner["codecs"]}
            if not codecs <= CODECS or np.dtype(metadata["data_type"]).hasobject:
                raise ValueError("values of another kind")
            array = Array(tuple(metadata["shape"][1:]), metadata["data_type"], "blosc" in codecs)
            shard_rows = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
            return cls(array, shard_rows, inner["chunk_shape"][0])

    @property
    def chunks(self) -> int:
        """Number of chunks in a shard."""
        return self.shard_rows // self.chunk_rows

    def file(self, shard: int) -> str:
        """Name of the file of a shard in the folder of the array."""
        return ".".join(["c", str(shard), *["0"] * len(self.array.shape)])


def row_bytes(arrays: Mapping[str, Array]) -> int:
    """Size in bytes of one row of all arrays together, uncompressed."""
    return sum(array.row_bytes for array in arrays.values())


def shard_rows(rows: int, arrays: Mapping[str, Array]) -> int:
    """Rows in a shard of a store of `rows` rows: the same for all its arrays, so that a writer owns whole shards.

    Example:
        >>> shard_rows(488_510, {"tokens": Array((28, 28, 384), "float16", compress=False)})
        256
    """
    largest = max(array.row_bytes for array in arrays.values())
    return power_of_two(min(SHARD_BYTES // largest, SHARD_ROWS, rows // SHARDS))


def power_of_two(most: int) -> int:
    """The largest power of two up to `most`; 1 for less than 1."""
    return 1 << max(0, most.bit_length() - 1)
