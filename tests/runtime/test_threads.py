"""A job uses the threads that Snakemake gives it."""

import os

import pytest

from depthg.runtime.threads import allowed_threads


@pytest.mark.parametrize(("given", "expected"), [("3", 3), ("4,2", 4)])
def test_threads_of_a_job(monkeypatch, given, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert allowed_threads() == expected


@pytest.mark.parametrize("given", ["", "0", "all"])
def test_threads_of_a_command_run_by_hand(monkeypatch, given):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert allowed_threads() == len(os.sched_getaffinity(0))
