"""A store is begun once, goes on with the same provenance, and is replaced by one of another."""

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import zarr

from depthg.errors import DepthGError
from depthg.store import begun
from depthg.store.arrays import RECORD, Array
from depthg.store.begun import begin, begun_precision, fingerprint_of, unit_of
from depthg.store.parts import Part
from depthg.store.resume import finished_ranges, mark_finished

ARRAYS = {"tokens": Array((2, 3), "float16", compress=False), "ids": Array((), "int32")}


@pytest.fixture
def store(tmp_path):
    """A store of ten rows, of which six are finished."""
    begin(tmp_path / "a.zarr", 10, ARRAYS, {"crops": "0123", "settings": {"size": 4}})
    mark_finished(tmp_path / "a.zarr", range(6))
    return tmp_path / "a.zarr"


@pytest.mark.parametrize(
    ("rows", "arrays", "provenance", "left"),
    [
        (10, ARRAYS, {"settings": {"size": 4}, "crops": "0123"}, 6),
        (10, ARRAYS, {"settings": {"size": 5}, "crops": "0123"}, 0),
        (10, ARRAYS | {"ids": Array((), "int64")}, {"settings": {"size": 4}, "crops": "0123"}, 0),
        (11, ARRAYS, {"settings": {"size": 4}, "crops": "0123"}, 0),
    ],
    ids=["the same", "another setting", "another dtype", "another length"],
)
def test_only_a_store_of_the_same_provenance_goes_on(store, rows, arrays, provenance, left):
    assert begin(store, rows, arrays, provenance) == fingerprint_of(store)
    assert finished_ranges(store) == [range(left)]


def test_a_store_of_an_earlier_layout_is_replaced(store):
    record = json.loads((store / RECORD).read_text())
    del record["layout"]
    (store / RECORD).write_text(json.dumps(record))
    assert fingerprint_of(store) is None
    assert begin(store, 10, ARRAYS, record["made_from"]) == record["fingerprint"]
    assert finished_ranges(store) == [range(0)]


def test_the_record_names_the_precision_that_a_store_was_begun_in(tmp_path):
    for name, own in {"a": {}, "b": {"precision": "bfloat16"}}.items():
        begin(tmp_path / name, 10, ARRAYS, {"crops": "0123", **own})
    assert begun_precision(tmp_path / "a", {"crops": "0123"}) == "float32"
    assert begun_precision(tmp_path / "b", {"crops": "0123"}) == "bfloat16"
    assert begun_precision(tmp_path / "b", {"crops": "4567"}) is None
    assert begun_precision(tmp_path / "none", {"crops": "0123"}) is None


def test_full_disk_is_announced_before_the_write(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(DepthGError, match=r"needs up to .* make room"):
        begin(tmp_path / "a.zarr", 10, ARRAYS, {})
    assert not (tmp_path / "a.zarr").exists()


def test_small_rows_share_chunks_and_large_or_compressed_ones_do_not(tmp_path):
    arrays = {
        "large": Array((64, 64, 8), "float32", compress=False),
        "small": Array((4,), "int32", compress=False),
        "packed": Array((4,), "int32"),
    }
    begin(tmp_path / "a.zarr", 600, arrays, {})
    chunks = {name: zarr.open_array(tmp_path / "a.zarr" / name) for name in arrays}
    assert {name: array.chunks[0] for name, array in chunks.items()} == {"large": 1, "small": 32, "packed": 1}
    assert {array.shards[0] for array in chunks.values()} == {32}


def test_a_store_that_is_replaced_leaves_nothing(store):
    (store / "parts").mkdir()
    (store / "parts/1of2.json").write_text("{}")
    begin(store, 10, ARRAYS, {"settings": 2})
    left = {"ids", "tokens", "zarr.json", "progress.json", "fingerprint.json"}
    assert {path.name for path in store.iterdir()} == left


def test_a_store_that_is_a_link_is_replaced_where_it_leads(store, tmp_path, monkeypatch):
    (tmp_path / "disk").mkdir()
    store.rename(tmp_path / "disk/moved")
    store.symlink_to(tmp_path / "disk/moved")
    usage, measured = shutil.disk_usage, []
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: measured.append(Path(path).resolve()) or usage(path)
    )
    begin(store, 10, ARRAYS, {"settings": 2})
    assert store.is_symlink() and finished_ranges(tmp_path / "disk/moved") == [range(0)]
    assert measured == [tmp_path / "disk/moved"]


def test_a_store_that_is_being_written_is_not_replaced(store):
    with Part(2, 3).claim(store), pytest.raises(DepthGError, match="is being written by process"):
        begin(store, 10, ARRAYS, {"settings": 2})
    assert finished_ranges(store) == [range(6)]


def test_room_is_asked_for_all_rows(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(begun, "check_room", lambda path, need: asked.append((path, need)))
    begin(tmp_path / "a.zarr", 10, ARRAYS, {})
    assert asked == [(tmp_path / "a.zarr", 10 * (2 * 3 * 2 + 4))]


def test_the_record_says_how_many_rows_were_computed_together(store, tmp_path):
    begin(tmp_path / "b.zarr", 10, ARRAYS, {}, unit=5)
    assert [unit_of(tmp_path / name) for name in ("a.zarr", "b.zarr", "none.zarr")] == [1, 5, 1]


def test_paths_in_a_provenance_are_compared_as_text(tmp_path):
    begin(tmp_path / "a", 10, ARRAYS, {"file": Path("a/b")})
    assert begun_precision(tmp_path / "a", {"file": Path("a/b")}) == "float32"


def test_the_metadata_say_how_chunks_are_stored(tmp_path):
    begin(tmp_path / "a.zarr", 100, ARRAYS, {})
    assert json.loads((tmp_path / "a.zarr/zarr.json").read_text())["zarr_format"] == 3
    blosc = {"cname": "zstd", "clevel": 3, "shuffle": "bitshuffle", "blocksize": 0}
    for name, shape, chunk, kind in (("ids", [], 1, "int32"), ("tokens", [2, 3], 4, "float16")):
        metadata = json.loads((tmp_path / f"a.zarr/{name}/zarr.json").read_text())
        assert metadata["shape"] == [100, *shape] and metadata["data_type"] == kind
        assert metadata["chunk_grid"]["configuration"]["chunk_shape"] == [4, *shape]
        assert metadata["chunk_key_encoding"] == {"name": "default", "configuration": {"separator": "."}}
        assert metadata["fill_value"] == {"int32": 0, "float16": "NaN"}[kind]
        (shards,) = metadata["codecs"]
        assert shards["configuration"]["index_location"] == "start"
        assert shards["configuration"]["chunk_shape"] == [chunk, *shape]
        codecs = {codec["name"]: codec.get("configuration") for codec in shards["configuration"]["codecs"]}
        assert list(codecs) == ["bytes", *(["blosc"] if name == "ids" else []), "crc32c"]
        assert name != "ids" or codecs["blosc"].items() >= blosc.items()
