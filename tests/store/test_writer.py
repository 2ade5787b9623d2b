"""What was not finished is never taken for finished, and a killed writer goes on where it stopped."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthg.errors import DepthGError
from depthg.store.arrays import MARKER, Array
from depthg.store.reader import Store
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


@pytest.mark.parametrize(
    "values", [{}, {"ids": [0, 1], "more": [0, 1]}, {"ids": [0]}, {"ids": [[0], [1]]}], ids=str
)
def test_wrong_arrays_are_refused(tmp_path, values):
    writer = Writer(tmp_path / "a.zarr", 10, ARRAYS, {})
    with pytest.raises(ValueError, match=r"expected arrays of the shapes \{'ids': \(2,\)\}"):
        writer.write(range(2), **values)


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
