"""A store is begun once, goes on with the same provenance, and is replaced by one of another."""

import json
import shutil
from collections import namedtuple

import pytest
import zarr

from depthg.errors import DepthGError
from depthg.store.arrays import RECORD, Array
from depthg.store.begun import begin, begun_precision, fingerprint_of
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
