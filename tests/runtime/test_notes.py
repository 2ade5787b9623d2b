"""Notes of progress."""

import os
from pathlib import Path

from depthg.runtime.notes import EVERY, FOLDER, Note
from depthg.runtime.progress import track


def test_a_note_says_how_far_a_job_is_until_it_is_done(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    clock = Clock()
    for name in ("time.time", "tqdm.std.time"):
        monkeypatch.setattr(name, clock)
    log = Path("/proc/self/fd/1")  # standard output is the log of a job
    seen = []
    for _ in track(range(4), 8, "halves", done=4):
        seen.append(Note.read(tmp_path, log))
        clock.now += 2 * EVERY
    assert seen[0] == Note(4, 8, None, 1000.0)
    # Each step takes 2 EVERY; the bar is drawn when an item was worked on.
    assert [(note.done, round(note.left / EVERY)) for note in seen[1:]] == [(5, 6), (6, 4), (7, 2)]
    assert Note.read(tmp_path, log) is None and not os.listdir(tmp_path)


def test_a_job_goes_on_when_nobody_reads(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "notes"))
    (tmp_path / "notes").mkdir()
    seen = []
    for number in track(range(3), 3, "steps"):
        for file in (tmp_path / "notes").glob("*"):
            file.unlink()
        if not number:
            (tmp_path / "notes").rmdir()
        seen.append(number)
    assert seen == [0, 1, 2]


class Clock:
    """A clock that stands unless it is put forward."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now
