"""The short form of `make test-endurance`: some experiments in this process leave nothing behind."""

import tempfile

import numpy as np

from tests.reliability.endurance import POOLED, Usage, endure, slopes

EXPERIMENTS = 11


def test_experiments_leave_no_files_threads_or_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    rows = endure(tmp_path, EXPERIMENTS)
    assert len(rows) == EXPERIMENTS
    held = {
        (row.files, row.threads, row.processes) for row in rows[POOLED:]
    }  # one process stays with the first pool
    assert len(held) == 1
    assert {row.temporary for row in rows} == {0}
    assert rows[-1].memory - rows[POOLED].memory < 50e6


def test_growth_is_a_slope_after_the_first_ones():
    rows = [Usage(*[value] * 6) for value in (100, 7, 9, 11)]
    assert np.allclose(slopes(rows, 1), 2)
