"""What is written is read, whole or by row, by depthg and by Zarr; what is damaged is noticed."""

import gc
import json
import os
import shutil

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from depthg.errors import DepthGError
from depthg.runtime.files import fingerprint
from depthg.store import shards
from depthg.store.arrays import MARKER, Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

ARRAYS = {"tokens": Array((2, 3), "float16", compress=False), "ids": Array((), "int32")}


def values(rows):
    ids = np.arange(rows.start, rows.stop)
    return {"tokens": np.broadcast_to(ids[:, None, None], (len(ids), 2, 3)) + 0.5, "ids": ids}


def write(path, rows=10, provenance=None):
    writer = Writer(path, rows, ARRAYS, provenance or {"settings": 1})
    for part in writer.pending(3):
        writer.write(part, **values(part))
    writer.finish()


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


def test_every_row_alone_and_every_pair_are_read(tmp_path):
    write(tmp_path / "a.zarr")
    store, whole = Store(tmp_path / "a.zarr"), np.arange(10)
    for rows in ([first, other] for first in range(10) for other in range(10)):
        for chosen in (rows, rows[:1]):
            np.testing.assert_array_equal(store.read("ids", chosen), whole[chosen])
            np.testing.assert_array_equal(store.read("tokens", chosen)[:, 1, 2], whole[chosen] + 0.5)


def test_what_a_store_holds(tmp_path):
    write(tmp_path / "a.zarr", rows=40)
    store = Store(tmp_path / "a.zarr")
    assert store.names == ["ids", "tokens"] and store.shape("tokens") == (2, 3) and store.shape("ids") == ()
    assert store.shard_rows == 2
    assert (store.array("ids")[:] == np.arange(40)).all()
    with pytest.raises(ValueError, match="read-only"):
        store.array("ids")[:] = 1
    writer = Writer(tmp_path / "one.zarr", 1, {"only": Array((), "int8")}, {})
    writer.write(range(1), only=[3])
    writer.finish()
    assert Store(tmp_path / "one.zarr").shard_rows == 1


def test_rows_are_counted_from_the_end_as_well_and_no_further(tmp_path):
    write(tmp_path / "a.zarr")
    store = Store(tmp_path / "a.zarr")
    assert store.read("ids", [-10, -1, 9]).tolist() == [0, 9, 9]
    for row in (-11, 10):
        with pytest.raises(IndexError, match="has 10 rows"):
            store.read("ids", [3, row])


def test_batches_cover_all_rows_once(tmp_path):
    write(tmp_path / "a.zarr")
    parts = list(Store(tmp_path / "a.zarr").batches("ids", 4))
    assert [len(rows) for rows, _ in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([ids for _, ids in parts]), np.arange(10))


def test_missing_shard_is_an_error_not_nan(tmp_path):
    write(tmp_path / "a.zarr")
    (tmp_path / "a.zarr/tokens/c.1.0.0").unlink()
    assert Store(tmp_path / "a.zarr").read("tokens", [0])[0, 0, 0] == 0.5
    with pytest.raises(DepthGError, match=r"row 1 of 'tokens' cannot be read .*missing.*`depthg verify \S+`"):
        Store(tmp_path / "a.zarr").read("tokens", [0, 1])


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


def test_marker_names_what_it_was_made_from(tmp_path):
    write(tmp_path / "a.zarr", provenance={"settings": {"size": 4}})
    store = Store(tmp_path / "a.zarr" / MARKER)
    assert store.provenance == {"settings": {"size": 4}}
    assert json.loads((tmp_path / "a.zarr" / MARKER).read_text())["rows"] == 10


def test_fingerprint_depends_on_content_alone():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


@pytest.fixture(scope="module", params=[1, 7, 48])
def written(request, tmp_path_factory):
    """A store of 48 rows in shards of 2, 4 or 32 chunks, written in batches of another size, and its values."""
    rng, rows = np.random.default_rng(0), 48 * 16
    contents = {
        "tokens": rng.normal(size=(rows, 20, 5)).astype(np.float16),
        "labels": rng.integers(0, 3, (rows, 8, 8)).astype(np.uint16),
        "ids": np.arange(rows, dtype=np.int32),
    }
    path = tmp_path_factory.mktemp("written") / "s.zarr"
    arrays = {
        "tokens": Array((20, 5), "float16", compress=False),
        "labels": Array((8, 8), "uint16"),
        "ids": Array((), "int32", compress=False),
    }
    writer = Writer(path, rows, arrays, {})
    for some in writer.pending(request.param):
        writer.write(some, **{name: values[some.start : some.stop] for name, values in contents.items()})
    writer.finish()
    return path, contents


def test_zarr_reads_what_is_written(written):
    path, contents = written
    group = zarr.open_group(path, mode="r")
    for name, values in contents.items():
        np.testing.assert_array_equal(group[name][:], values)
        np.testing.assert_array_equal(group[name].oindex[[700, 3]], values[[700, 3]])


def test_the_bytes_are_those_of_zarr(written, tmp_path):
    """Zarr's own writer, given a whole shard at once, stores the same chunks."""
    path, contents = written
    shutil.copytree(path, tmp_path / "s.zarr", ignore=shutil.ignore_patterns("c.*"))
    group = zarr.open_group(tmp_path / "s.zarr", mode="r+")
    for name, values in contents.items():
        group[name][:] = values
    for name in ("tokens", "ids"):  # a file of raw chunks, in order, is the same file
        for file in (path / name).glob("c.*"):
            assert sorted_chunks(tmp_path / "s.zarr" / name / file.name, 32) == sorted_chunks(file, 32)


def sorted_chunks(file, rows):
    """The chunks of a shard in the order of its index; Zarr may store them in another one."""
    content, chunks = file.read_bytes(), zarr.open_array(file.parent).shards[0]
    chunks //= zarr.open_array(file.parent).chunks[0]
    index = np.frombuffer(content[: 16 * chunks], "<u8").reshape(-1, 2)
    return [content[place : place + size] for place, size in index.tolist()]


def test_rows_are_read_in_any_order(written):
    path, contents = written
    store = Store(path)
    for rows in ([700, 0, 700, -1], np.array([2, 1]), slice(30, 35), range(5, 70, 9), []):
        for name, values in contents.items():
            chosen = list(rows) if isinstance(rows, range) else rows
            np.testing.assert_array_equal(
                store.read(name, rows),
                values[np.asarray(chosen, int)] if not isinstance(rows, slice) else values[rows],
            )
    with pytest.raises(IndexError, match="has 768 rows"):
        store.read("ids", [768])


def damaged(path, shard, place, name="tokens"):
    """The store with one byte of a file changed."""
    file = path / name / shard
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    return Store(path)


def test_a_changed_byte_is_noticed(tmp_path):
    write(tmp_path / "a.zarr", rows=64)
    with pytest.raises(DepthGError, match=r"row 4 of 'tokens' cannot be read \(damaged\)"):
        damaged(tmp_path / "a.zarr", "c.1.0.0", 20 + 4).read("tokens", [0, 4])
    with pytest.raises(
        DepthGError, match=r"row 63 of 'tokens' cannot be read \(the index of .* is damaged\)"
    ):
        damaged(tmp_path / "a.zarr", "c.15.0.0", 3).read("tokens", [63])
    with pytest.raises(DepthGError, match=r"row 16 of 'ids' cannot be read \(damaged\)"):
        damaged(tmp_path / "a.zarr", "c.4", 80, "ids").read("ids")


def test_a_store_of_an_earlier_version_is_refused(tmp_path):
    write(tmp_path / "a.zarr")
    old = zarr.open_group(tmp_path / "a.zarr", mode="r+")
    old.create_array("tokens", shape=(10, 2, 3), chunks=(1, 2, 3), dtype="float16", overwrite=True)
    with pytest.raises(DepthGError, match=r"a\.zarr has one file a chunk.*: remove it, .*snakemake"):
        Store(tmp_path / "a.zarr").read("tokens", [0])


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


@pytest.mark.parametrize("left", [100, 3, None])
def test_entries_of_a_shard_that_is_gone_or_cut_short(tmp_path, left):
    writer = Writer(tmp_path / "s.zarr", 4, {"tokens": Array((3, 4, 5), "float32", compress=False)}, {})
    writer.write(range(4), tokens=np.ones((4, 3, 4, 5)))
    writer.finish()
    shard = tmp_path / "s.zarr/tokens/c.3.0.0.0"
    content = shard.read_bytes()
    shard.unlink() if left is None else shard.write_bytes(content[:left])
    with pytest.raises(DepthGError, match="row 3 of 'tokens' cannot be read"):
        Store(tmp_path / "s.zarr").take("tokens", np.array([3]), np.zeros((1, 2), int))


def test_a_flipped_bit_is_seen_when_a_row_is_first_taken_from(tmp_path):
    path = tmp_path / "a.zarr"
    writer = Writer(path, 3, {"tokens": Array((4, 4, 8), "float16", compress=False)}, {})
    for rows in writer.pending(3):
        writer.write(rows, tokens=np.ones((3, 4, 4, 8)))
    writer.finish()
    file = path / "tokens/c.1.0.0.0"
    content = bytearray(file.read_bytes())
    content[-10] ^= 1  # of the last token
    file.write_bytes(content)
    store, first = Store(path), np.array([[0]])
    assert store.take("tokens", np.array([0]), first).tolist() == [[[1.0] * 8]]
    for _ in range(2):
        with pytest.raises(DepthGError, match=r"row 1 of 'tokens' cannot be read \(damaged\)"):
            store.take("tokens", np.array([1]), first)


def test_a_store_that_is_no_longer_used_holds_no_file(tmp_path):
    """Without waiting for Python to look for cycles."""
    writer = Writer(tmp_path / "s.zarr", 4, {"a": Array((), "int32")}, {})
    writer.write(range(4), a=np.arange(4))
    writer.finish()
    gc.collect()
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/fd"))
        store = Store(tmp_path / "s.zarr")
        assert store.read("a").tolist() == [0, 1, 2, 3]
        assert len(os.listdir("/proc/self/fd")) > before
        del store
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        gc.enable()


def test_all_rows_of_a_chunk_in_another_order(tmp_path):
    arrays = {"ids": Array((), "int32", compress=False)}
    writer = Writer(tmp_path / "a.zarr", 64, arrays, {})
    writer.write(range(64), ids=np.arange(64))
    writer.finish()
    store = Store(tmp_path / "a.zarr")
    assert store.layout("ids").chunk_rows == 4
    for rows in ([3, 2, 1, 0], [5, 5, 5, 5], [11, 10, 9, 8, 63, 62, 61, 60]):
        assert store.read("ids", rows).tolist() == rows


def test_a_checksum_is_compared_once_however_often_a_row_is_taken_from(tmp_path, monkeypatch):
    writer = Writer(tmp_path / "a.zarr", 4, {"tokens": Array((2, 2, 3), "float32", compress=False)}, {})
    writer.write(range(4), tokens=np.ones((4, 2, 2, 3)))
    writer.finish()
    compared, checksum = [], shards.checksum
    monkeypatch.setattr(
        shards, "checksum", lambda content: compared.append(len(content)) or checksum(content)
    )
    store, at = Store(tmp_path / "a.zarr"), np.zeros((2, 1), int)
    store.take("tokens", np.array([1, 3]), at)
    assert compared.count(2 * 2 * 3 * 4) == 2
    store.take("tokens", np.array([3, 1]), at)
    assert compared.count(2 * 2 * 3 * 4) == 2
