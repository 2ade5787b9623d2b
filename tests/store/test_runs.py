"""Snakemake's lock of a dead run is lifted; that of a living one, or of an unknown one, is left."""

import os
import signal
import subprocess
import sys

import pytest

from depthg.store.runs import register_run

RUN = """
import sys
from pathlib import Path
from depthg.store.runs import register_run
register_run(Path(sys.argv[1]))
print("here", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    """The state folder of Snakemake, with the locks of a run."""
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/0.output.lock").write_text("results/mini/ours/metrics.json\n")
    yield tmp_path
    register_run.cache_clear()


@pytest.fixture
def other(folder):
    """Another run in the same folder."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"here\n"
        yield process
        process.kill()


def registered(folder) -> int:
    return len(list((folder / "runs").glob("*.run")))


def test_locks_of_a_killed_run_are_lifted_with_a_word(folder, other, capsys):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    register_run(folder)
    assert not (folder / "locks").exists() and registered(folder) == 1
    printed = capsys.readouterr()
    assert f"locks: lifted, as left by process {other.pid} on " in printed.err and not printed.out


def test_locks_of_a_living_run_are_respected(folder, other, capsys):
    register_run(folder)
    assert (folder / "locks/0.output.lock").is_file() and registered(folder) == 2
    assert capsys.readouterr().err == ""


def test_with_one_dead_and_one_living_run_nothing_is_lifted(folder, other):
    (folder / "runs/here-1.run").write_text("")
    register_run(folder)
    assert (folder / "locks/0.output.lock").is_file() and registered(folder) == 2


def test_locks_of_which_nothing_is_known_are_respected(folder):
    register_run(folder)
    assert (folder / "locks/0.output.lock").is_file()


def test_a_run_that_ends_leaves_no_file(folder):
    register_run(folder).release()
    assert not list((folder / "runs").iterdir())


def test_the_first_run_of_a_project_makes_the_folder(folder):
    register_run(folder / "more/.snakemake")
    assert registered(folder / "more/.snakemake") == 1


def test_a_run_registers_once(folder):
    assert register_run(folder) is register_run(folder)
