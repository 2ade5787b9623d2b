"""What a store is begun with: its arrays, without rows, and the record of what it is made from."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthg.runtime.files import check_room, fingerprint, naming, write_json
from depthg.store.arrays import RECORD, Array, ShardLayout, row_bytes, shard_rows
from depthg.store.parts import check_unused
from depthg.store.resume import mark_finished

if TYPE_CHECKING:
    import zarr

LAYOUT = "shards"  # of the files; stores of another one are replaced


def begin(
    path: Path, rows: int, arrays: Mapping[str, Array], provenance: Mapping[str, Any], unit: int = 1
) -> str:
    """Begin a store, unless one of the same rows, arrays and provenance is there: that one goes on.

    Args:
        path: folder of the store; another store in it is replaced.
        rows: number of rows.
        arrays: name → layout of the array.
        provenance: settings, and fingerprints of the input stores.
        unit: number of rows that are computed together, noted for a later repair.

    Returns:
        The fingerprint of the store.

    Raises:
        DepthGError: the disk is too full, or a process is writing the store that is to be replaced.
    """
    digest = fingerprint({"rows": rows, "arrays": _shapes(arrays), **provenance})
    if fingerprint_of(path) != digest:
        check_unused(path)
        _remove(path)
        check_room(path, rows * row_bytes(arrays))
        _create(path, rows, arrays)
        mark_finished(path, range(0))
        record = {"fingerprint": digest, "layout": LAYOUT, "made_from": dict(provenance), "unit": unit}
        write_json(path / RECORD, record)
    return digest


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint of the store at `path`; None if there is none, or one of an earlier version."""
    return _record(path).get("fingerprint")


def unit_of(path: Path) -> int:
    """How many rows of the store at `path` were computed together; 1 for a store that does not say so."""
    return int(_record(path).get("unit", 1))


def begun_precision(path: Path, provenance: Mapping[str, Any]) -> str | None:
    """The precision of a store of this provenance that was begun earlier, on this or another machine; else None.

    A store that does not name its precision is of float32.
    """
    begun, same = _record(path).get("made_from", {}), json.loads(json.dumps(provenance, default=str))
    return begun.get("precision", "float32") if begun.items() >= same.items() else None


def _remove(path: Path) -> None:
    """Remove a store; of one that is a link to another disk, what is in the folder there."""
    folder = path.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    if path.is_symlink():
        folder.mkdir(parents=True, exist_ok=True)


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads((path / RECORD).read_text())
        return record if record.get("layout") == LAYOUT else {}
    except (OSError, ValueError, AttributeError):  # another kind of JSON, for one
        return {}


def _shapes(arrays: Mapping[str, Array]) -> dict[str, list[Any]]:
    return {name: [list(array.shape), array.dtype] for name, array in arrays.items()}


def _create(path: Path, rows: int, arrays: Mapping[str, Array]) -> None:
    """Create the arrays of a store: their metadata."""
    import zarr  # takes a second, and to plan, or to go on, needs none of it

    in_shard = shard_rows(rows, arrays)
    with naming(path):
        group = zarr.create_group(path, zarr_format=3)
        for name, array in arrays.items():
            _create_array(group, name, rows, array.sharded(in_shard))


def _create_array(group: "zarr.Group", name: str, rows: int, layout: ShardLayout) -> None:
    from zarr.codecs import BloscCodec, Crc32cCodec

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
