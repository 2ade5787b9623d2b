"""What was not finished is never taken for finished, and a killed writer goes on where it stopped."""

import os
import threading
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.errors import DepthGError
from depthg.store import writer as writing
from depthg.store.arrays import MARKER, Array
from depthg.store.completion import complete
from depthg.store.parts import Part
from depthg.store.reader import Store
from depthg.store.resume import finished_ranges, mark_finished
from depthg.store.writer import Writer

ARRAYS = {"ids": Array((), "int32")}


def write(path, stop_after=None):
    """Write a store of ten rows; `stop_after` batches play a killed job."""
    writer = Writer(path, 10, ARRAYS, {})
    for count, rows in enumerate(writer.pending(3)):
        if count == stop_after:
            return writer
        writer.write(rows, ids=np.arange(rows.start, rows.stop))
    writer.finish()
    return writer


def test_killed_writer_resumes_where_it_stopped(tmp_path):
    write(tmp_path / "a.zarr", stop_after=2)
    with pytest.raises(DepthGError, match=r"is not complete.*snakemake"):
        Store(tmp_path / "a.zarr")
    writer = Writer(tmp_path / "a.zarr", 10, ARRAYS, {})
    assert writer.done == 6
    assert list(writer.pending(3)) == [range(6, 9), range(9, 10)]
    del writer  # a store has one writer at a time
    write(tmp_path / "a.zarr")
    np.testing.assert_array_equal(Store(tmp_path / "a.zarr").read("ids"), np.arange(10))


def test_unfinished_store_cannot_be_completed(tmp_path):
    with pytest.raises(DepthGError, match="3 of 10 rows"):
        write(tmp_path / "a.zarr", stop_after=1).finish()


def test_rewriting_takes_the_marker_away_first(tmp_path):
    write(tmp_path / "a.zarr")
    Writer(tmp_path / "a.zarr", 10, ARRAYS, {})
    assert not (tmp_path / "a.zarr" / MARKER).exists()


@pytest.mark.parametrize("compress", [True, False])
def test_values_of_any_memory_order_are_written(tmp_path, compress):
    arrays = {"table": Array((3, 5), "int32", compress=compress)}
    values = np.asfortranarray(np.arange(60).reshape(4, 3, 5))
    writer = Writer(tmp_path / "a.zarr", 4, arrays, {})
    writer.write(range(4), table=values.astype(np.int32, order="K"))
    writer.finish()
    np.testing.assert_array_equal(Store(tmp_path / "a.zarr").read("table"), values)


@pytest.mark.parametrize(
    "values", [{}, {"ids": [0, 1], "more": [0, 1]}, {"ids": [0]}, {"ids": [[0], [1]]}], ids=str
)
def test_wrong_arrays_are_refused(tmp_path, values):
    writer = Writer(tmp_path / "a.zarr", 10, ARRAYS, {})
    with pytest.raises(ValueError, match=r"expected arrays of the shapes \{'ids': \(2,\)\}"):
        writer.write(range(2), **values)


@settings(max_examples=30)
@given(st.data())
def test_a_writer_of_several_shards_resumes_where_it_stopped(tmp_path_factory, data):
    """Whatever was written of each shard, nothing is written twice, and the bytes are those of writing in order."""
    folder, batch = tmp_path_factory.mktemp("stores"), data.draw(st.sampled_from([1, 2]))
    left = list(range(40))
    for shards in data.draw(st.lists(st.integers(1, 4), max_size=4)):
        writer = Writer(folder / "turns.zarr", 40, ARRAYS, {})
        assert writer.shard_rows == 2 and writer.done == 40 - len(left)
        for rows in islice(writer.pending(batch, shards), data.draw(st.integers(0, 20))):
            writer.write(rows, ids=np.arange(rows.start, rows.stop))
            left = sorted({*left} - {*rows})
        del writer
    for name in ("turns", "order"):
        write_all(folder / f"{name}.zarr", 40, batch)
    for path in (folder / "order.zarr" / "ids").iterdir():
        assert path.read_bytes() == (folder / "turns.zarr" / "ids" / path.name).read_bytes()


def write_all(path, rows, batch):
    writer = Writer(path, rows, ARRAYS, {})
    for own in writer.pending(batch):
        writer.write(own, ids=np.arange(own.start, own.stop))
    writer.finish()


@settings(max_examples=15)
@given(st.data())
def test_rows_written_in_any_batches_and_parts_are_read_back(tmp_path_factory, data):
    """Of any dtype and shape, compressed or not, part by part in any order."""
    rows, of, unit = (
        data.draw(st.integers(1, 150)),
        data.draw(st.integers(1, 4)),
        data.draw(st.integers(1, 7)),
    )
    path, contents, arrays = tmp_path_factory.mktemp("any") / "a.zarr", {}, {}
    for name in data.draw(st.sets(st.sampled_from("abc"), min_size=1)):
        shape = tuple(data.draw(st.lists(st.integers(1, 40), max_size=2)))
        dtype = data.draw(st.sampled_from(["uint8", "int32", "float16", "float32"]))
        contents[name] = np.random.default_rng(rows).integers(0, 99, (rows, *shape)).astype(dtype)
        arrays[name] = Array(shape, dtype, data.draw(st.booleans()))
    for number in data.draw(st.permutations(range(1, of + 1))):
        part = Writer(path, rows, arrays, {}, Part(number, of), unit)
        for some in part.pending(data.draw(st.integers(1, 30)), data.draw(st.integers(1, 3))):
            part.write(some, **{name: values[some.start : some.stop] for name, values in contents.items()})
        part.finish()
    if of > 1:
        complete(path, of)
    store, order = Store(path), np.random.default_rng(of).permutation(rows)
    for name, values in contents.items():
        assert store.read(name, order).dtype == values.dtype
        np.testing.assert_array_equal(store.read(name, order), values[order])


def test_progress_is_counted_in_batches_of_the_part(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(writing, "track", lambda rows, *shown: seen.append(shown) or rows)
    write(tmp_path / "a.zarr", stop_after=2)
    assert list(Writer(tmp_path / "a.zarr", 10, ARRAYS, {}).tracked(3, "ids")) == [range(6, 9), range(9, 10)]
    part = Writer(tmp_path / "b.zarr", 10, ARRAYS, {}, Part(2, 2))
    assert [list(rows) for rows in part.tracked(4, "ids")] == [[5, 6, 7, 8], [9]]
    assert seen == [(4, "ids", 2), (2, "ids, part 2/2", 0)]


def test_shards_are_written_together_unless_a_batch_fills_one(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SHARDS", 3)  # as many whatever the machine
    writer = Writer(tmp_path / "a.zarr", 64, ARRAYS, {})
    assert writer.shard_rows == 4
    assert [writer.together(batch) for batch in (1, 4, 5)] == [3, 3, 1]
    assert [writer.shard(range(first, 64)) for first in (0, 3, 4, 63)] == [0, 0, 1, 15]


def test_a_finished_writer_leaves_no_file_no_thread_and_no_lock(tmp_path):
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    writer = Writer(tmp_path / "a.zarr", 64, {"raw": Array((), "int32", compress=False), **ARRAYS}, {})
    for rows in writer.pending(3):  # no batch but the last ends with a shard
        writer.write(rows, ids=np.arange(rows.start, rows.stop), raw=np.zeros(len(rows)))
        assert len(os.listdir("/proc/self/fd")) <= files + 3  # those of one shard, and the lock
    writer.finish()
    assert len(os.listdir("/proc/self/fd")) == files and threading.active_count() == threads
    assert not (tmp_path / "a.zarr.lock").exists()


def test_a_part_that_ends_within_a_shard_leaves_no_file_open(tmp_path):
    files = len(os.listdir("/proc/self/fd"))
    write(tmp_path / "a.zarr")  # 10 rows, one a shard
    writer = Writer(tmp_path / "b.zarr", 33, ARRAYS, {})
    writer.write(range(33), ids=np.arange(33))
    assert len(os.listdir("/proc/self/fd")) > files
    writer.finish()
    assert len(os.listdir("/proc/self/fd")) == files


def test_rows_that_are_recorded_and_not_there_are_made_again(tmp_path, capsys):
    """Only those of their shard, and only of the own part."""
    writer = Writer(tmp_path / "a.zarr", 64, ARRAYS, {})
    writer.write(range(10), ids=np.arange(10))
    del writer
    mark_finished(tmp_path / "a.zarr", range(11))  # row 10 is in no file
    again = Writer(tmp_path / "a.zarr", 64, ARRAYS, {})
    assert list(again.pending(64)) == [range(8, 64)] and again.done == 8
    assert "rows 8–10 are made again" in capsys.readouterr().out
    assert finished_ranges(tmp_path / "a.zarr") == [range(8)]


def test_the_folder_of_a_store_is_made(tmp_path):
    write(tmp_path / "more/folders/a.zarr")
    assert len(Store(tmp_path / "more/folders/a.zarr")) == 10
