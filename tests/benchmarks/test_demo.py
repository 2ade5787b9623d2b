"""What is read from the notes that Snakemake takes of a job."""

import numpy as np
import pytest

from benchmarks.demo import _stage
from depthg.store.arrays import Array
from depthg.store.writer import Writer

NOTED = "s\th:m:s\tmax_rss\tmax_vms\n2.50\t0:00:02\t100.0\t300.0\n"


def noted(root, name):
    log = root / "logs" / "demo" / f"{name}.tsv"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(NOTED)
    return log


def test_a_job_that_makes_a_store(tmp_path):
    writer = Writer(tmp_path / "resources/demo/train/crops.zarr", 5, {"images": Array((8,), "uint8")}, {})
    writer.write(range(5), images=np.zeros((5, 8), np.uint8))
    writer.finish()
    row = _stage(tmp_path, noted(tmp_path, "train/crops"))
    assert row.stage == "demo: train/crops" and row.item == "crops"
    assert row.throughput == 2  # five crops in 2.5 s
    assert row.ours.peak_mb == pytest.approx(104.8576)  # Snakemake counts in MiB
    assert 0 < row.disk_mb < 0.1


def test_a_job_that_makes_none(tmp_path):
    row = _stage(tmp_path, noted(tmp_path, "ours/seed0/train"))
    assert row.ours.seconds == 2.5 and row.item == "pass" and row.disk_mb is None
