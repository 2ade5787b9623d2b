"""Writing a store, whole or in parts; a killed job resumes after its last finished batch."""

import json
import math
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from depthg.errors import DepthGError
from depthg.runtime.files import check_room, fingerprint, naming, write_json
from depthg.runtime.progress import track
from depthg.runtime.threads import allowed_threads
from depthg.store.arrays import MARKER, Array, ShardLayout, row_bytes, shard_rows
from depthg.store.parts import WHOLE, Part, check_unused, opening
from depthg.store.resume import mark_all_finished, mark_finished, unfinished_ranges
from depthg.store.shards import DamageError, ShardWriter

LAYOUT = "shards"  # of the files; stores of another one are replaced
THREADS = min(4, allowed_threads())  # that encode and write


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
        unit: number of rows that are computed together; a part begins at a multiple of it.

    Attributes:
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
        self.fingerprint = fingerprint({"rows": rows, "arrays": _layout(arrays), **provenance})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with opening(self.path, part):
            if _fingerprint_of(self.path) != self.fingerprint:
                check_unused(self.path)
                self._begin(provenance)
            self._lock = part.claim(self.path)
            (self.path / MARKER).unlink(missing_ok=True)
            _forget_other_divisions(self.path, part)
        self._pool = ThreadPoolExecutor(THREADS, "writers")
        self._shard, self._open = -1, dict[str, ShardWriter]()
        self.own = part.rows(rows, math.lcm(unit, self.shard_rows))
        self.done = len(self.own) - sum(map(len, unfinished_ranges(self.path, self.own)))

    def _begin(self, provenance: Mapping[str, Any]) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        check_room(self.path, self.rows * row_bytes(self.arrays))
        with naming(self.path):
            group = zarr.open_group(self.path, mode="w", zarr_format=3)
            for name, array in self.arrays.items():
                _create(group, name, self.rows, array.sharded(self.shard_rows))
        mark_finished(self.path, range(0))
        write_json(
            self.path / "fingerprint.json",
            {"fingerprint": self.fingerprint, "layout": LAYOUT, "made_from": dict(provenance)},
        )

    def pending(self, batch: int) -> Iterator[range]:
        """The unfinished rows, in ranges of at most `batch` rows."""
        for gap in unfinished_ranges(self.path, self.own):
            for start in range(gap.start, gap.stop, batch):
                yield range(start, min(start + batch, gap.stop))

    def tracked(self, batch: int, what: str) -> Iterator[range]:
        """`pending`, with a progress bar labelled `what`."""
        total, done = -(-len(self.own) // batch), self.done // batch
        named = what if self.part == WHOLE else f"{what}, part {self.part}"
        return track(self.pending(batch), total, named, done)

    def write(self, rows: range, **values: np.ndarray) -> None:
        """Write a range of rows of every array, then record it as finished.

        Args:
            rows: the next range of `pending`.
            values: array name → values [len(rows), …], cast to the dtype of the array.

        Raises:
            ValueError: an array is missing, or unknown.
        """
        if values.keys() != self.arrays.keys():
            raise ValueError(f"expected the arrays {sorted(self.arrays)}, got {sorted(values)}")
        cast = {name: np.asarray(value, self.arrays[name].dtype, order="C") for name, value in values.items()}
        for start, stop in _by_shard(rows, self.shard_rows):
            for name, file in self._files(start).items():
                some = cast[name][start - rows.start : stop - rows.start]
                file.write(start % self.shard_rows, some, self._pool, THREADS)
        # The rows between were finished before, or written in order.
        mark_finished(self.path, range(self.own.start, rows.stop))
        self.done += len(rows)

    def _files(self, row: int) -> dict[str, ShardWriter]:
        """The shard of each array in which a row is written next."""
        shard, written = divmod(row, self.shard_rows)
        if shard != self._shard:
            self._close()
            for name, array in self.arrays.items():
                layout = array.sharded(self.shard_rows)
                try:
                    self._open[name] = ShardWriter(self.path / name / layout.file(shard), layout, written)
                except DamageError as error:
                    raise DepthGError(f"{error}: remove {self.path} and run the same command again") from None
            self._shard = shard
        return self._open

    def _close(self) -> None:
        for file in self._open.values():
            file.close()
        self._shard, self._open = -1, {}

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
            _mark(self.path, self.fingerprint, self.rows)
        else:
            written = self.part.note(self.path)
            written.parent.mkdir(exist_ok=True)
            write_json(written, {"fingerprint": self.fingerprint, "rows": self.rows})
        self._close()
        self._pool.shutdown()
        self._lock.release()


def complete(path: Path, of: int) -> None:
    """Mark a store complete after all its parts have been written.

    Args:
        path: folder of the store.
        of: the number of parts.

    Raises:
        DepthGError: a part is missing or unfinished, or a process is writing the store.
    """
    whole = Part(None, of)
    if not path.is_dir():
        raise _unfinished(path, Part(1, of))
    lock = whole.claim(path)
    with opening(path, whole):
        current, rows = _fingerprint_of(path), 0
        for part in (Part(number, of) for number in range(1, of + 1)):
            try:
                written = json.loads(part.note(path).read_text())
            except (OSError, ValueError):
                raise _unfinished(path, part) from None
            if written["fingerprint"] != current:
                raise _unfinished(path, part)
            rows = written["rows"]
        for gap in unfinished_ranges(path, range(rows)):
            raise DepthGError(
                f"{path}: rows {gap.start}–{gap.stop - 1} are in none of its {of} parts: remove {path / 'parts'} "
                "and run the same command again"
            )
        _mark(path, str(current), rows)
    lock.release()


def _create(group: zarr.Group, name: str, rows: int, layout: ShardLayout) -> None:
    """Create an array of a store: its metadata."""
    array, shape = layout.array, layout.array.shape
    blosc = BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle")
    shards: Any = {"shape": (layout.shard_rows, *shape), "index_location": "start"}
    group.create_array(
        name,
        shape=(rows, *shape),
        chunks=(layout.chunk_rows, *shape),
        shards=shards,
        chunk_key_encoding={"name": "default", "separator": "."},  # no folder a shard
        dtype=array.dtype,
        compressors=[blosc, Crc32cCodec()] if array.compress else [Crc32cCodec()],
        fill_value=array.fill,
    )


def _by_shard(rows: range, shard_rows: int) -> Iterator[tuple[int, int]]:
    """Rows in ranges (first, stop) that lie in one shard each."""
    start = rows.start
    while start < rows.stop:
        stop = min(rows.stop, (start // shard_rows + 1) * shard_rows)
        yield start, stop
        start = stop


def begun_precision(path: Path, provenance: Mapping[str, Any]) -> str | None:
    """The precision of a store of this provenance that was begun earlier, on this or another machine; else None.

    A store that does not name its precision is of float32.
    """
    begun, same = _record(path).get("made_from", {}), json.loads(json.dumps(provenance, default=str))
    return begun.get("precision", "float32") if begun.items() >= same.items() else None


def _fingerprint_of(path: Path) -> str | None:
    """The fingerprint of the store at `path`; None if there is none, or one of an earlier version."""
    return _record(path).get("fingerprint")


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads((path / "fingerprint.json").read_text())
        return record if record.get("layout") == LAYOUT else {}
    except (OSError, ValueError):
        return {}


def _forget_other_divisions(path: Path, part: Part) -> None:
    """Remove the marker files of parts that belong to a division into another number of parts."""
    for written in (path / "parts").glob("*of*.json"):
        if part == WHOLE or not written.name.endswith(f"of{part.of}.json"):
            written.unlink()


def _mark(path: Path, digest: str, rows: int) -> None:
    mark_all_finished(path, rows)
    write_json(path / MARKER, {"fingerprint": digest, "rows": rows})


def _unfinished(path: Path, part: Part) -> DepthGError:
    return DepthGError(
        f"{path}: part {part} is not finished, the store cannot be completed: make it with "
        f"`snakemake --cores 2 {part.note(path)}`"
    )


def _layout(arrays: Mapping[str, Array]) -> dict[str, list[Any]]:
    return {name: [list(array.shape), array.dtype] for name, array in arrays.items()}
