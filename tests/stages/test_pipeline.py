"""Reading, computing and writing at once give what one after the other gives, in the same order."""

import threading

import numpy as np
import pytest
import torch

from depthg.stages import pipeline
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer


def writer(path, rows=50):
    return Writer(path, rows, {"values": Array((3,), "float32")}, {})


def doubled(rows, source):
    return {"values": 2.0 * source[:, None].expand(-1, 3)}


def test_several_threads_read_and_rows_keep_their_order(tmp_path):
    together = threading.Barrier(3, timeout=20)

    def read(rows):
        if rows.start < 12:  # the first three batches are read at the same time
            together.wait()
        return np.array(rows)

    pipeline.write_rows(writer(tmp_path / "v.zarr"), read, doubled, "values", batch=4, threads=3)
    assert Store(tmp_path / "v.zarr").read("values")[:, 1].tolist() == [2.0 * row for row in range(50)]


@pytest.mark.parametrize("fails", ["read", "compute", "write"])
def test_an_error_stops_the_stage_and_the_rest_is_made_later(tmp_path, fails):
    def failing(rows):
        raise OSError("cannot")

    def read(rows):
        return failing(rows) if fails == "read" and rows.start >= 20 else np.array(rows)

    def compute(rows, source):
        if fails == "compute" and rows.start >= 20:
            failing(rows)
        wrong = torch.zeros(1, 2) if fails == "write" and rows.start >= 20 else None
        return {"values": wrong} if wrong is not None else doubled(rows, source)

    stopped = writer(tmp_path / "v.zarr")
    with pytest.raises((OSError, ValueError)):
        pipeline.write_rows(stopped, read, compute, "values", batch=4)
    assert stopped.done in (16, 20)
    stopped._lock.release()  # as the end of its process does
    pipeline.write_rows(writer(tmp_path / "v.zarr"), np.array, doubled, "values", batch=4)
    assert Store(tmp_path / "v.zarr").read("values")[:, 1].tolist() == [2.0 * row for row in range(50)]


def test_the_batch_fills_a_card_and_no_more():
    assert pipeline.rows_in(free=1e12, row=1e6) == 128
    assert pipeline.rows_in(free=40e9, row=300e6) == 64
    assert pipeline.rows_in(free=1e9, row=1e9) == 16
