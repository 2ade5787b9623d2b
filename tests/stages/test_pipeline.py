"""Reading, computing and writing at once give what one after the other gives, in the same order."""

import threading

import numpy as np
import pytest
import torch

from depthg.stages import pipeline
from depthg.store import writer as writers
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


@pytest.mark.parametrize(
    ("free", "row", "least", "rows"),
    [
        (1e12, 1e6, 16, 128),  # no more than `most`
        (40e9, 300e6, 16, 64),  # half of the memory is for 66
        (1e9, 1e9, 16, 16),
        (1e9, 1e9, 1, 1),
        (4e9, 1e9, 1, 2),
        (80e9, 0, 1, 128),
    ],
)
def test_the_batch_fills_half_a_card_and_no_more(free, row, least, rows):
    assert pipeline.rows_in(free, row, least, 128) == rows


def test_rows_are_judged_by_a_trial_and_by_what_is_free_after_it(monkeypatch):
    calls = []
    monkeypatch.setattr(pipeline, "peak_memory", lambda work, where: work() or 8e9)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("emptied"))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda where: calls.append("asked") or (40e9, 80e9))
    rows = pipeline.fitting_rows(lambda: calls.append("tried"), 4, torch.device("cuda"), 1, 64)
    assert rows == 8 and calls == ["tried", "emptied", "asked"]  # 2 GB a row, 20 GB to fill


def test_several_shards_are_written_at_the_same_time(tmp_path, monkeypatch):
    """A range waits until one of another shard is being written, too; the bytes are those of writing in order."""
    layout = {"values": Array((3,), "float32")}
    values = np.arange(96, dtype=np.float32).reshape(32, 3)
    inside = threading.Barrier(2, timeout=20)

    class Meeting(Writer):
        def write(self, rows, **values):
            inside.wait()
            super().write(rows, **values)

    for name, kind in (("turns", Meeting), ("order", Writer)):
        monkeypatch.setattr(writers, "SHARDS", 2 if kind is Meeting else 1)
        writer = kind(tmp_path / f"{name}.zarr", 32, layout, {})
        assert writer.shard_rows == 2
        pipeline.write_rows(
            writer,
            lambda rows: values[rows.start : rows.stop],
            lambda rows, source: {"values": source},
            "values",
            batch=1,
        )
    assert np.array_equal(Store(tmp_path / "turns.zarr").read("values"), values)
    for path in sorted((tmp_path / "order.zarr" / "values").iterdir()):
        assert path.read_bytes() == (tmp_path / "turns.zarr" / "values" / path.name).read_bytes()


@pytest.mark.parametrize(("largest", "rows", "expected"), [(64, 64, 64), (20, 64, 16), (0, 64, 1), (5, 1, 1)])
def test_a_batch_that_fails_is_halved(largest, rows, expected):
    def work(count):
        if count > largest:
            raise RuntimeError("less than INT_MAX elements")

    assert pipeline.working_rows(work, rows) == expected
