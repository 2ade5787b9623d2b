"""The artifact store: what is written is read, what was not finished is never taken for finished."""

import json
import shutil
from collections import namedtuple

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from depthg.errors import DepthGError
from depthg.runtime.files import fingerprint
from depthg.store.arrays import MARKER, Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

ARRAYS = {"tokens": Array((2, 3), "float16", compress=False), "ids": Array((), "int32")}


def values(rows):
    ids = np.arange(rows.start, rows.stop)
    return {"tokens": np.broadcast_to(ids[:, None, None], (len(ids), 2, 3)) + 0.5, "ids": ids}


def write(path, rows=10, batch=3, provenance=None, stop_after=None):
    """Write a store; `stop_after` batches play a killed job."""
    writer = Writer(path, rows, ARRAYS, provenance or {"settings": 1})
    for count, part in enumerate(writer.pending(batch)):
        if count == stop_after:
            return writer
        writer.write(part, **values(part))
    writer.finish()
    return writer


def test_rows_come_back_in_the_order_asked_for(tmp_path):
    write(tmp_path / "a.zarr")
    store = Store(tmp_path / "a.zarr")
    assert len(store) == 10
    np.testing.assert_array_equal(store.read("ids", [7, 2, 7]), [7, 2, 7])
    np.testing.assert_array_equal(store.read("tokens", [4])[0], np.full((2, 3), 4.5, np.float16))
    np.testing.assert_array_equal(store.read("ids", slice(3, 6)), [3, 4, 5])
    np.testing.assert_array_equal(store.read("ids", range(3, 6)), [3, 4, 5])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_any_selection_equals_indexing_the_whole(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "shared.zarr"
    if not (path / MARKER).exists():
        write(path)
    store = Store(path)
    np.testing.assert_array_equal(store.read("tokens", rows), store.read("tokens")[rows])


def test_batches_cover_all_rows_once(tmp_path):
    write(tmp_path / "a.zarr")
    parts = list(Store(tmp_path / "a.zarr").batches("ids", 4))
    assert [len(rows) for rows, _ in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([ids for _, ids in parts]), np.arange(10))


def test_killed_writer_resumes_where_it_stopped(tmp_path):
    write(tmp_path / "a.zarr", stop_after=2)
    with pytest.raises(DepthGError, match=r"is not complete.*snakemake"):
        Store(tmp_path / "a.zarr")
    writer = Writer(tmp_path / "a.zarr", 10, ARRAYS, {"settings": 1})
    assert writer.done == 6
    assert list(writer.pending(3)) == [range(6, 9), range(9, 10)]
    del writer  # a store has one writer at a time
    write(tmp_path / "a.zarr")
    np.testing.assert_array_equal(Store(tmp_path / "a.zarr").read("ids"), np.arange(10))


def test_other_settings_begin_anew(tmp_path):
    write(tmp_path / "a.zarr", stop_after=2)
    assert Writer(tmp_path / "a.zarr", 10, ARRAYS, {"settings": 2}).done == 0


def test_unfinished_store_cannot_be_completed(tmp_path):
    with pytest.raises(DepthGError, match="3 of 10 rows"):
        write(tmp_path / "a.zarr", stop_after=1).finish()


def test_rewriting_takes_the_marker_away_first(tmp_path):
    write(tmp_path / "a.zarr")
    Writer(tmp_path / "a.zarr", 10, ARRAYS, {"settings": 1})
    assert not (tmp_path / "a.zarr" / MARKER).exists()


def test_missing_chunk_is_an_error_not_nan(tmp_path):
    write(tmp_path / "a.zarr")
    shutil.rmtree(tmp_path / "a.zarr" / "tokens" / "c")
    with pytest.raises(DepthGError, match="of 'tokens' is missing"):
        Store(tmp_path / "a.zarr").read("tokens", [1])


def test_missing_store_names_the_command(tmp_path):
    with pytest.raises(DepthGError, match="does not exist: make it with `snakemake"):
        Store(tmp_path / "none.zarr")


def test_store_of_another_upstream_is_refused(tmp_path):
    write(tmp_path / "up.zarr")
    upstream = Store(tmp_path / "up.zarr")
    write(tmp_path / "good.zarr", provenance={"up": upstream.fingerprint})
    write(tmp_path / "bad.zarr", provenance={"up": "0123"})
    assert Store(tmp_path / "good.zarr").expect(up=upstream)
    with pytest.raises(DepthGError, match="was made from another"):
        Store(tmp_path / "bad.zarr").expect(up=upstream)


def test_full_disk_is_announced_before_the_write(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(DepthGError, match=r"needs up to .* make room"):
        write(tmp_path / "a.zarr")
    assert not (tmp_path / "a.zarr").exists()


def test_small_rows_share_chunks_and_large_ones_do_not(tmp_path):
    Writer(tmp_path / "a.zarr", 9, {"a": Array((64, 64, 8), "float32"), "b": Array((4,), "int32")}, {})
    assert zarr.open_array(tmp_path / "a.zarr" / "a").chunks == (1, 64, 64, 8)
    assert zarr.open_array(tmp_path / "a.zarr" / "b").chunks == (256, 4)


def test_wrong_arrays_are_refused(tmp_path):
    writer = Writer(tmp_path / "a.zarr", 10, ARRAYS, {})
    with pytest.raises(ValueError, match="expected the arrays"):
        writer.write(range(0, 1), tokens=np.zeros((1, 2, 3)))


def test_marker_names_what_it_was_made_from(tmp_path):
    write(tmp_path / "a.zarr", provenance={"settings": {"size": 4}})
    store = Store(tmp_path / "a.zarr" / MARKER)
    assert store.provenance == {"settings": {"size": 4}}
    assert json.loads((tmp_path / "a.zarr" / MARKER).read_text())["rows"] == 10


def test_fingerprint_depends_on_content_alone():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_raw_rows_are_read_as_zarr_reads_them(tmp_path):
    tokens = np.random.default_rng(0).normal(size=(6, 40, 50, 20)).astype(np.float16)  # a chunk each
    writer = Writer(tmp_path / "f.zarr", 6, {"tokens": Array((40, 50, 20), "float16", compress=False)}, {})
    writer.write(range(6), tokens=tokens)
    writer.finish()
    store = Store(writer.path)
    np.testing.assert_array_equal(store.read("tokens", [4, 0, 4, -1]), tokens[[4, 0, 4, -1]])
    np.testing.assert_array_equal(
        store.read("tokens", np.array([2, 1])), store.read("tokens", slice(1, 3))[::-1]
    )
    chunk = writer.path / "tokens/c/3/0/0/0"
    chunk.write_bytes(chunk.read_bytes()[:-2])
    with pytest.raises(DepthGError, match="row 3 of 'tokens' is missing"):
        store.read("tokens", [2, 3])
    shutil.rmtree(writer.path / "tokens/c/3")
    with pytest.raises(DepthGError, match="row 3 of 'tokens' is missing"):
        store.read("tokens", [2, 3])


def test_raw_rows_that_share_a_chunk_are_read_as_zarr_reads_them(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 20, 40)).astype(np.float32)  # 16 a chunk
    arrays = {"maps": Array((20, 40), "float32", compress=False), "ids": Array((), "int32", compress=False)}
    writer = Writer(tmp_path / "f.zarr", 50, arrays, {})
    writer.write(range(50), maps=values, ids=np.arange(50))
    writer.finish()
    store, rows = Store(writer.path), [49, 0, 19, 20, 49, -1]
    assert len(list((writer.path / "maps/c").iterdir())) == 4
    np.testing.assert_array_equal(store.read("maps", rows), values[rows])
    np.testing.assert_array_equal(store.read("ids", rows), np.arange(50)[rows])


@pytest.fixture(scope="module", params=[False, True], ids=["raw", "compressed"])
def grids(request, tmp_path_factory):
    """A store of 12 entries a row, several rows a chunk, and what is in it."""
    values = np.random.default_rng(0).random((300, 3, 4, 5)).astype(np.float32)
    path = tmp_path_factory.mktemp("grids") / "s.zarr"
    writer = Writer(path, 300, {"tokens": Array((3, 4, 5), "float32", request.param)}, {})
    writer.write(range(300), tokens=values)
    writer.finish()
    return path, values.reshape(300, 12, 5)


@given(rows=st.lists(st.integers(0, 299), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_entries_of_rows_are_those_of_whole_rows(grids, rows, seed):
    path, values = grids
    at = np.random.default_rng(seed).integers(12, size=(len(rows), 7))
    assert np.array_equal(Store(path).take("tokens", np.array(rows), at), values[np.array(rows)[:, None], at])


@pytest.mark.parametrize("left", [40, 0, None])
def test_entries_of_a_chunk_that_is_gone_or_cut_short(tmp_path, left):
    writer = Writer(tmp_path / "s.zarr", 4, {"tokens": Array((3, 4, 5), "float32", compress=False)}, {})
    writer.write(range(4), tokens=np.ones((4, 3, 4, 5)))
    writer.finish()
    chunk = tmp_path / "s.zarr/tokens/c/0/0/0/0"
    content = chunk.read_bytes()
    chunk.unlink() if left is None else chunk.write_bytes(content[:left])
    with pytest.raises(DepthGError, match="row 3 of 'tokens' is missing: delete the folder"):
        Store(tmp_path / "s.zarr").take("tokens", np.array([3]), np.zeros((1, 2), int))
