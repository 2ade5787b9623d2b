"""Reading a complete store: whole rows or single tokens, in any order."""

import json
import mmap
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from depthg.errors import DepthGError
from depthg.store.arrays import MARKER, Rows


class Store:
    """A complete store, opened for reading. Safe to fork: each process opens the arrays at first use.

    Args:
        path: folder of the store, or its marker file `complete.json`.

    Raises:
        DepthGError: the store is missing or incomplete.

    Example:
        >>> crops = Store(Path("resources/demo/val/crops.zarr"))
        >>> crops.read("images", [0, 3]).shape
        (2, 240, 240, 3)
    """

    def __init__(self, path: Path):
        self.path = Path(path).parent if Path(path).name == MARKER else Path(path)
        marker = self.path / MARKER
        if not marker.is_file():
            state = "is not complete" if self.path.is_dir() else "does not exist"
            raise DepthGError(f"{self.path} {state}: make it with `snakemake --cores 2 {marker}`")
        self.notes: dict[str, Any] = json.loads(marker.read_text())
        self.fingerprint: str = self.notes["fingerprint"]
        self._owner = os.getpid()
        self._arrays: dict[str, zarr.Array] = {}

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Provenance of the store: settings, and the fingerprints of its input stores."""
        return json.loads((self.path / "fingerprint.json").read_text())["made_from"]

    def __len__(self) -> int:
        return self.notes["rows"]

    def array(self, name: str) -> zarr.Array:
        """The Zarr array `name`."""
        if self._owner != os.getpid():  # a forked worker must not share the parent's event loop
            self._owner, self._arrays = os.getpid(), {}
        if name not in self._arrays:
            self._arrays[name] = zarr.open_array(self.path / name, mode="r")
        return self._arrays[name]

    def read(self, name: str, rows: Rows = slice(None)) -> np.ndarray:
        """Rows of one array, [B, …] in the dtype of the array, in the given order.

        Raises:
            DepthGError: a chunk of a float array is missing (it reads as NaN).
        """
        if isinstance(rows, range) and rows.step == 1:
            rows = slice(rows.start, rows.stop)
        array = self.array(name)
        if not isinstance(rows, slice):
            values = self._gather(name, [int(row) for row in rows])
        else:
            values = np.asarray(array[rows])
        return self._checked(name, values)

    def take(self, name: str, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Selected tokens of rows. Of uncompressed arrays only these are read: six times as fast as whole rows.

        Args:
            name: name of an array [M, h, w, …].
            rows: row indices, int [B].
            at: token indices in each row, int [B, n]; token (i, j) has index i · w + j.

        Returns:
            [B, n, …], in the dtype of the array.

        Raises:
            DepthGError: a chunk is missing, as in `read`.
        """
        array = self.array(name)
        shape = (array.shape[1] * array.shape[2], *array.shape[3:])
        if not self._is_raw(array):
            whole = self.read(name, rows).reshape(len(rows), *shape)
            return whole[np.arange(len(rows))[:, None], at]
        values = np.empty((*at.shape, *shape[1:]), array.dtype)
        for place, row in enumerate(rows):
            np.take(
                self._mapped(name, int(row)).reshape(shape), at[place], axis=0, out=values[place], mode="clip"
            )
        return self._checked(name, values)

    def _checked(self, name: str, values: np.ndarray) -> np.ndarray:
        """The values unchanged, after a check that no chunk is missing (it would read as NaN)."""
        if values.dtype.kind == "f" and values.size and np.isnan(values.reshape(len(values), -1)[:, 0]).any():
            raise self._missing(f"rows of '{name}' are")
        return values

    def _missing(self, what: str) -> DepthGError:
        return DepthGError(f"{self.path}: {what} missing: delete the folder and make it again")

    @staticmethod
    def _is_raw(array: zarr.Array) -> bool:
        """Whether each row is stored uncompressed in a single file."""
        return not array.compressors and array.shards is None and array.chunks[1:] == array.shape[1:]

    def _gather(self, name: str, rows: list[int]) -> np.ndarray:
        """Rows of one array, read one by one: two to three times as fast as Zarr's orthogonal selection.

        Rows of an uncompressed array are read directly from the chunk files, ten times as fast again.
        """
        array = self.array(name)
        values = np.empty((len(rows), *array.shape[1:]), array.dtype)
        raw = self._is_raw(array)
        for place, row in enumerate(rows):
            if raw and 0 <= row < len(self):
                self._read_chunk(name, row, values[place : place + 1])
            else:
                values[place] = array[row]
        return values

    def _read_chunk(self, name: str, row: int, value: np.ndarray) -> None:
        """Read one row from its uncompressed chunk file into `value` [1, …]."""
        path, place = self._chunk(name, row)
        try:
            with open(path, "rb", buffering=0) as stream:
                stream.seek(place * value.nbytes)
                read = stream.readinto(value.data.cast("B"))
        except FileNotFoundError:
            read = 0
        if read != value.nbytes:
            raise self._missing(f"row {row} of '{name}' is")

    def _mapped(self, name: str, row: int) -> np.ndarray:
        """One row of an uncompressed array, memory-mapped: only the values that are used are read from disk."""
        array, (path, place) = self.array(name), self._chunk(name, row)
        size = int(np.prod(array.shape[1:]))
        try:
            with open(path, "rb", buffering=0) as stream:
                content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            return np.frombuffer(content, array.dtype, size, place * size * array.dtype.itemsize)
        except (FileNotFoundError, ValueError):  # the file is empty or truncated
            raise self._missing(f"row {row} of '{name}' is") from None

    def _chunk(self, name: str, row: int) -> tuple[str, int]:
        """Path of a row's chunk file and index of the row in it. A str, as Path is too slow for hundreds per batch."""
        array = self.array(name)
        chunk, place = divmod(row, array.chunks[0])
        key = array.metadata.encode_chunk_key((chunk, *[0] * (array.ndim - 1)))
        return os.path.join(self.path, name, key), place

    def batches(self, name: str, batch: int) -> Iterable[tuple[range, np.ndarray]]:
        """Yield all rows of one array in order, `batch` rows at a time, with their range."""
        for start in range(0, len(self), batch):
            rows = range(start, min(start + batch, len(self)))
            yield rows, self.read(name, rows)

    def expect(self, **upstream: "Store") -> "Store":
        """Check that this store was made from the present versions of its input stores; returns this store.

        Args:
            upstream: key in `provenance` → input store.

        Raises:
            DepthGError: it was made from another version of one of them.
        """
        for name, store in upstream.items():
            if self.provenance.get(name) != store.fingerprint:
                raise DepthGError(
                    f"{self.path} was made from another {store.path} than the one there now: make it again "
                    f"with `snakemake --cores 2 --forcerun {self.path / MARKER}`"
                )
        return self
