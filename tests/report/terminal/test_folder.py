"""The folder of a run: it is there while the run lives, and a run that was killed leaves none for long."""

import fcntl
import tempfile

import pytest

from depthg.report.terminal.folder import LINES, open_folder


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_that_a_killed_run_left_is_removed_and_others_stay(parent):
    (killed, of_killed), (living, of_living) = open_folder(), open_folder()
    assert killed.is_dir() and living.is_dir()
    of_killed.close()  # as the kernel does
    (parent / "depthg-made-by-others").mkdir()
    own, lines = open_folder()
    assert not killed.exists()
    assert sorted(parent.iterdir()) == sorted([living, own, parent / "depthg-made-by-others"])
    assert (living / LINES).is_file()
    of_living.close()
    lines.close()


def test_a_run_that_begins_meanwhile_leaves_a_folder_that_is_not_locked_yet(monkeypatch):
    lock, meanwhile = fcntl.flock, []

    def begin_another(lines, how):
        monkeypatch.setattr(fcntl, "flock", lock)
        meanwhile.append(open_folder())
        lock(lines, how)

    monkeypatch.setattr(fcntl, "flock", begin_another)
    folder, lines = open_folder()
    assert (folder / LINES).is_file() and (meanwhile[0][0] / LINES).is_file()
    lines.close()
    meanwhile[0][1].close()
