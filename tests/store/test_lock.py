"""Two writers of one store: the second is told so; a dead one is no obstacle."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from depthg.errors import DepthGError
from depthg.store import lock
from depthg.store.arrays import Array
from depthg.store.lock import Lock
from depthg.store.reader import Store
from depthg.store.writer import Writer

ARRAYS = {"ids": Array((), "int32")}
HOLD = """
import sys
from pathlib import Path
import numpy as np
from depthg.store.arrays import Array
from depthg.store.writer import Writer
writer = Writer(Path(sys.argv[1]), 4, {"ids": Array((), "int32")}, {})
writer.write(range(2), ids=np.arange(2))
print("held", file=sys.stderr, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.zarr"


@pytest.fixture
def other(path):
    """Another process that has written half of the store."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr.readline() == b"held\n"
        yield process
        process.kill()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A lock left by another machine, looked at for half a second."""
    monkeypatch.setattr(lock, "LEFT_AFTER", 0.5)
    path = tmp_path / "a.zarr.lock"
    path.write_text(json.dumps({"host": "node7", "pid": 42}))
    return path


def test_second_writer_is_told_who_writes(path, other):
    with pytest.raises(DepthGError, match=rf"is being written by process {other.pid} on \S+: .*zarr\.lock\)"):
        Writer(path, 4, ARRAYS, {})


def test_after_a_killed_writer_another_goes_on(path, other):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    writer = Writer(path, 4, ARRAYS, {})
    assert writer.done == 2
    writer.write(range(2, 4), ids=np.arange(2, 4))
    writer.finish()
    np.testing.assert_array_equal(Store(path).read("ids"), np.arange(4))


def test_nothing_is_left_of_a_lock(tmp_path):
    own = Lock(tmp_path / "a.lock", tmp_path)
    assert (tmp_path / "a.lock").is_file()
    own.release()
    assert not list(tmp_path.iterdir())


def test_a_writer_that_gives_up_releases(path):
    Writer(path, 4, ARRAYS, {})
    assert Writer(path, 4, ARRAYS, {}).done == 0


def test_a_dead_lock_of_another_machine_is_taken_over(elsewhere):
    own = Lock(elsewhere, elsewhere)
    assert json.loads(elsewhere.read_text())["pid"] == os.getpid()
    own.release()


def test_a_live_lock_of_another_machine_is_respected(elsewhere, monkeypatch):
    monkeypatch.setattr(lock.time, "sleep", lambda _: os.utime(elsewhere))
    with pytest.raises(DepthGError, match=r"process 42 on node7: .* remove .*a\.zarr\.lock"):
        Lock(elsewhere, elsewhere)


def test_without_kernel_locks_a_held_lock_is_seen_by_its_touch(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no locks on this file system")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    monkeypatch.setattr(lock, "TOUCH_EVERY", 0.1)
    monkeypatch.setattr(lock, "LEFT_AFTER", 3)
    first = Lock(tmp_path / "a.lock", tmp_path)
    monkeypatch.setattr(lock.socket, "gethostname", lambda: "node8")
    with pytest.raises(DepthGError, match="is being written"):
        Lock(tmp_path / "a.lock", tmp_path)
    first.release()
