"""Where the lines of a run go."""

import io
import json

from depthg.report.terminal import screen
from depthg.report.terminal.jobs import Job, Jobs
from depthg.report.terminal.screen import Lines
from depthg.runtime.notes import Note


def running(folder) -> Jobs:
    """A job that is at a quarter and has said so at second 10."""
    log = folder / "train.log"
    log.touch()
    (folder / f"{log.stat().st_ino}.json").write_text(json.dumps(Note(25, 100, 50.0, 10.0)))
    jobs = Jobs()
    jobs.start(4, Job("train", "train", "x", [str(log)], 0.0))
    return jobs


def test_a_file_is_told_now_and_then_how_far_a_job_is(tmp_path, monkeypatch):
    seconds = iter([1000.0, 1059.0, 1060.0, 1061.0, 1120.0])
    monkeypatch.setattr(screen.time, "monotonic", lambda: next(seconds))
    stream = io.StringIO()
    lines = Lines(stream, tmp_path)
    for now in (69.0, 20.0, 21.0, 80.0):
        lines.show(running(tmp_path), now)
    assert stream.getvalue() == "  train: 25%, 40 s left\n  train: 25%, 0 s left\n"


def test_the_longer_a_run_the_fewer_the_lines(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(screen.time, "monotonic", lambda: clock[0])
    stream = io.StringIO()
    lines, jobs = Lines(stream, tmp_path), running(tmp_path)
    for clock[0] in range(0, 10 * 3600, 5):
        lines.show(jobs, 20.0)
    told = len(stream.getvalue().splitlines())
    assert 40 < told < 60  # 10 in the first ten minutes, and each next after a tenth of what has passed
