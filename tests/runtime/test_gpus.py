import os
import subprocess
import sys

import pytest

from depthg.runtime import gpus

HOLD = (
    "import sys, time; from depthg.runtime.gpus import claim_gpu; "
    "print(claim_gpu(sys.argv[1:]), flush=True); time.sleep(60)"
)


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def job(*names: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", HOLD, *names], stdout=subprocess.PIPE, text=True)


def test_every_job_has_a_gpu_of_its_own_until_it_is_killed():
    jobs = []
    try:
        for expected in ("0", "1", "2"):
            jobs.append(job("a", "b", "c"))
            assert jobs[-1].stdout.readline().strip() == expected
        jobs[1].kill()
        jobs[1].wait()
        jobs.append(job("a", "b", "c"))
        assert jobs[-1].stdout.readline().strip() == "1"
    finally:
        for one in jobs:
            one.kill()
            one.communicate()


def test_a_gpu_is_known_by_its_name_not_by_its_number():
    first = job("b")
    try:
        assert first.stdout.readline().strip() == "0"
        assert gpus.claim_gpu(["a", "b"]) == 0
        shared = gpus.claim_gpu(["a", "b"])
    finally:
        first.kill()
        first.communicate()
    assert shared == os.getpid() % 2


@pytest.mark.parametrize(("visible", "expected"), [("0,2", 2), ("GPU-1", 1), ("", 0), ("-1", 0)])
def test_counted_are_the_visible_ones(monkeypatch, visible, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus.count_gpus() == expected


def test_counted_are_those_of_the_driver(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "DRIVER", tmp_path / "gpus")
    assert gpus.count_gpus() == 0
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / name).mkdir(parents=True)
    assert gpus.count_gpus() == 2
