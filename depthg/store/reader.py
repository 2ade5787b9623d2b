"""Reading a complete store: whole rows or single tokens, in any order."""

import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from depthg.errors import DepthGError
from depthg.store.arrays import MARKER, RECORD, Rows, ShardLayout, damaged, read_json
from depthg.store.shards import DamageError, Shard

if TYPE_CHECKING:
    import zarr

HANDLES, _ = resource.getrlimit(resource.RLIMIT_NOFILE)  # files that may be open at once, usually 1,024
OPEN_SHARDS = max(1, min(128, HANDLES // 8))  # of a store; a training opens up to five


class Store:
    """A complete store, opened for reading; safe to fork, and to read from several threads.

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
        self.notes: dict[str, Any] = read_json(marker, self.path)
        with damaged(marker, self.path):
            self.fingerprint, self._rows = str(self.notes["fingerprint"]), int(self.notes["rows"])
        self._layouts: dict[str, ShardLayout] = {}
        # No method of this object, which would then live on with its open files until Python looks for cycles.
        self._shards = lru_cache(OPEN_SHARDS)(partial(_open_shard, str(self.path)))
        self._checked: dict[str, bytearray] = {}  # chunks of which `take` has compared the checksum

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Provenance of the store: settings, and the fingerprints of its input stores."""
        record = read_json(self.path / RECORD, self.path)
        with damaged(self.path / RECORD, self.path):
            return dict(record["made_from"])

    def __len__(self) -> int:
        return self._rows

    def array(self, name: str) -> "zarr.Array":
        """The Zarr array `name`, for what `read` and `take` do not offer; not to be shared with a forked process."""
        import zarr  # takes a second, and reading needs none of it

        return zarr.open_array(self.path / name, mode="r")

    @cached_property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return sorted(path.parent.name for path in self.path.glob("*/zarr.json"))

    @property
    def shard_rows(self) -> int:
        """Rows in a shard, the same for all arrays."""
        return self.layout(self.names[0]).shard_rows

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one row of an array."""
        return self.layout(name).array.shape

    def read(self, name: str, rows: Rows = slice(None)) -> np.ndarray:
        """Rows of one array, [B, …] in the dtype of the array, in the given order.

        Raises:
            DepthGError: a row is missing, or its checksum differs from the stored one.
        """
        layout, numbers = self.layout(name), self._numbers(rows)
        values = np.empty((len(numbers), *layout.array.shape), layout.array.dtype)
        chunks = numbers // layout.chunk_rows
        starts = np.flatnonzero(np.diff(chunks, prepend=-1)).tolist()
        for start, stop in pairwise([*starts, len(numbers)]):  # runs of rows in one chunk
            self._read_chunk(name, numbers[start:stop], values[start:stop])
        return values

    def take(self, name: str, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Selected tokens of rows. Of uncompressed arrays only these are read: six times as fast as whole rows.

        When this object first takes from a row, it compares the checksum of the whole row.

        Args:
            name: name of an array [M, h, w, …].
            rows: row indices, int [B].
            at: token indices in each row, int [B, n]; token (i, j) has index i · w + j.

        Returns:
            [B, n, …], in the dtype of the array.

        Raises:
            DepthGError: a row is missing, or its checksum differs from the stored one.
        """
        layout = self.layout(name)
        shape = (layout.array.shape[0] * layout.array.shape[1], *layout.array.shape[2:])
        if layout.array.compress:
            whole = self.read(name, rows).reshape(len(rows), *shape)
            return whole[np.arange(len(rows))[:, None], at]
        values = np.empty((*at.shape, *shape[1:]), layout.array.dtype)
        for place, row in enumerate(self._numbers(rows).tolist()):
            with self._damage(name, row):
                tokens = self._mapped(name, row).reshape(layout.chunk_rows, *shape)[row % layout.chunk_rows]
                np.take(tokens, at[place], axis=0, out=values[place], mode="clip")
        return values

    def layout(self, name: str) -> ShardLayout:
        """The layout of an array."""
        if name not in self._layouts:
            self._layouts[name] = ShardLayout.read(self.path / name)
        return self._layouts[name]

    def _numbers(self, rows: Rows) -> np.ndarray:
        """Row indices, int64 [B], counted from the first row."""
        if isinstance(rows, slice):
            return np.arange(*rows.indices(len(self)))
        numbers = np.asarray(rows, np.int64)
        if len(numbers) and not -len(self) <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f"{self.path} has {len(self)} rows")
        return np.where(numbers < 0, numbers + len(self), numbers)

    def _read_chunk(self, name: str, rows: np.ndarray, values: np.ndarray) -> None:
        """Read rows that lie in one chunk into `values`."""
        layout, row = self.layout(name), int(rows[0])
        with self._damage(name, row):
            shard, chunk = self._chunk(name, row)
            if layout.chunk_rows == len(rows) == 1:
                shard.read(chunk, values)
            else:
                block = np.empty((layout.chunk_rows, *layout.array.shape), layout.array.dtype)
                shard.read(chunk, block)
                values[:] = block[rows % layout.chunk_rows]

    def _chunk(self, name: str, row: int) -> tuple[Shard, int]:
        """The shard in which a row lies, and the number of its chunk there."""
        layout = self.layout(name)
        shard, place = divmod(row, layout.shard_rows)
        return self._shards(name, shard, layout), place // layout.chunk_rows

    def _mapped(self, name: str, row: int) -> np.ndarray:
        """The chunk in which a row lies, memory-mapped; its checksum is compared the first time."""
        layout = self.layout(name)
        checked = self._checked.setdefault(name, bytearray(-(-len(self) // layout.chunk_rows)))
        shard, chunk = self._chunk(name, row)
        number = row // layout.chunk_rows
        values = shard.mapped(chunk, check=not checked[number])
        checked[number] = True
        return values

    @contextmanager
    def _damage(self, name: str, row: int) -> Iterator[None]:
        """Name the row that is damaged, and what tells more."""
        try:
            yield
        except DamageError as error:
            raise DepthGError(
                f"{self.path}: row {row} of '{name}' cannot be read ({error}): `depthg verify {self.path}` names "
                "all damaged rows and how to make them again"
            ) from None

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
                    f"with `snakemake --cores 2 --force {self.path / MARKER}`"
                )
        return self


def _open_shard(store: str, name: str, number: int, layout: ShardLayout) -> Shard:
    """Open a shard. Its path is a str: Path is too slow for hundreds a batch."""
    return Shard(os.path.join(store, name, layout.file(number)), layout)
