"""What is drawn of the jobs that run."""

import json
import time

import pytest

from depthg.report.terminal.bars import Bar, bars_of
from depthg.report.terminal.jobs import Job, Jobs
from depthg.runtime.notes import Note


@pytest.fixture
def started(tmp_path):
    """Starts jobs of a run that said how far they are, before any of them is looked at."""

    def start(jobs: Jobs, number: int, share: float, siblings: int = 1) -> None:
        log = tmp_path / f"{number}.log"
        log.touch()
        note = Note(100 * share, 100, 50.0, 10.0)
        (tmp_path / f"{log.stat().st_ino}.json").write_text(json.dumps(note))
        family, what = ("ours", f"train ours, seed {number}") if siblings > 1 else (None, "crop")
        jobs.start(number, Job(what, "train", "x", [str(log)], 0.0, family, "seeds"), siblings)

    return start


def test_a_job_alone_says_how_far_it_is(tmp_path, started):
    jobs = Jobs()
    started(jobs, 4, 0.25)
    jobs.start(5, Job("index", "index", "x", [], 3.0))
    first, second = bars_of(jobs, tmp_path, 20.0)
    assert first == Bar(4, "crop", 25, 100, "25%, 40 s left")  # 50 s at second 10
    assert second == Bar(5, "index", 0, None, "17 s")


def test_a_family_has_one_bar_to_which_each_running_job_adds_its_share(tmp_path, started):
    jobs = Jobs()
    for seed in range(3):
        started(jobs, seed, 0.5, siblings=5)
    assert jobs.finish(0, 30.0) is None
    (bar,) = bars_of(jobs, tmp_path, 30.0)
    assert bar == Bar("ours", "train ours, 1/5 seeds", 2.0, 5, "40%")  # no pace is known yet
    started(jobs, 1, 1.0, siblings=5)
    (bar,) = bars_of(jobs, tmp_path, 40.0)
    assert bar.time == "50%, 50 s left"  # half a job in 10 s, and two and a half to go
    (bar,) = bars_of(jobs, tmp_path, 45.0)
    assert bar.time == "50%, 45 s left"


def test_what_was_done_before_does_not_count_as_pace(tmp_path, started):
    jobs, now = Jobs(), time.time()
    started(jobs, 0, 0.9, siblings=2)
    list(bars_of(jobs, tmp_path, now))
    started(jobs, 0, 1.0, siblings=2)
    (bar,) = bars_of(jobs, tmp_path, now + 6)
    assert bar.time == "50%, 1:00 left"
