"""Two writers of one store: the second is told so; a dead one is no obstacle."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from depthg.errors import DepthGError
from depthg.store import lock
from depthg.store.arrays import Array
from depthg.store.lock import Lock, is_held
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


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_lock_is_signed_whatever_was_there_before(tmp_path):
    """Of an earlier holder on this machine, whose signature was longer."""
    path = tmp_path / "a.lock"
    path.write_text(json.dumps({"host": socket.gethostname(), "pid": 10**9, "more": "x" * 100}))
    with Lock(path, tmp_path):
        assert json.loads(path.read_text()) == {"host": socket.gethostname(), "pid": os.getpid()}
        mask = os.umask(0)
        os.umask(mask)
    with Lock(path, tmp_path):
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_block_releases_though_the_lock_is_still_referred_to(tmp_path):
    with Lock(tmp_path / "a.lock", tmp_path) as own:
        assert (tmp_path / "a.lock").is_file()
    assert not (tmp_path / "a.lock").exists() and not own.release.alive


def test_a_process_that_forgets_its_lock_ends_and_releases(tmp_path):
    code = "import sys, pathlib, depthg.store.lock as l; own = l.Lock(*[pathlib.Path(sys.argv[1])] * 2)"
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.lock"], check=True, timeout=120)
    assert not (tmp_path / "a.lock").exists()


def test_locks_leave_no_file_open(tmp_path):
    before = open_files()
    with Lock(tmp_path / "a.lock", tmp_path):
        assert open_files() == before + 1
        for _ in range(3):
            with pytest.raises(DepthGError, match="is being written"):
                Lock(tmp_path / "a.lock", tmp_path)
        assert open_files() == before + 1
    assert open_files() == before


def test_who_waits_gets_the_lock_once_it_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LOOK_EVERY", 0.01)
    first = Lock(tmp_path / "a.lock", tmp_path)
    threading.Timer(0.2, first.release).start()
    before = time.monotonic()
    with Lock(tmp_path / "a.lock", tmp_path, wait=True):
        assert time.monotonic() - before > 0.1 and not first.release.alive


def test_a_lock_that_was_never_signed_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "SIGNED_WITHIN", 0.2)
    monkeypatch.setattr(lock, "LOOK_EVERY", 0.05)
    (tmp_path / "a.lock").touch()
    before = time.monotonic()
    with Lock(tmp_path / "a.lock", tmp_path):
        assert time.monotonic() - before >= 0.2


def test_a_lock_that_is_just_being_signed_is_that_of_its_signer(elsewhere, monkeypatch):
    """It is signed by another machine while this one looks, which then sees it touched."""
    signature, looks = elsewhere.read_text(), []
    elsewhere.write_text("")

    def sleep(_):
        looks.append(None)
        elsewhere.write_text(signature)
        os.utime(elsewhere, (len(looks), len(looks)))

    monkeypatch.setattr(lock.time, "sleep", sleep)
    with pytest.raises(DepthGError, match="process 42 on node7"):
        Lock(elsewhere, elsewhere)


def test_a_forked_process_does_not_release(tmp_path):
    own = Lock(tmp_path / "a.lock", tmp_path)
    lock._release(tmp_path / "a.lock", -1, threading.Event(), threading.Thread(), os.getpid() + 1)
    assert (tmp_path / "a.lock").is_file() and own.release.alive
    own.release()


def test_the_lock_of_another_is_not_removed(tmp_path):
    own = Lock(tmp_path / "a.lock", tmp_path)
    (tmp_path / "a.lock").unlink()
    (tmp_path / "a.lock").write_text("of another")
    own.release()
    assert (tmp_path / "a.lock").read_text() == "of another"


def test_a_held_lock_is_touched_until_it_is_released(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "TOUCH_EVERY", 0.02)
    touched = []
    monkeypatch.setattr(lock.os, "utime", touched.append)
    with Lock(tmp_path / "a.lock", tmp_path):
        until = time.monotonic() + 10
        while len(touched) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    count = len(touched)
    assert count >= 3 and len(set(touched)) == 1
    time.sleep(0.1)
    assert len(touched) == count


def test_how_long_it_waits_for_another_machine_is_said(elsewhere, capsys):
    with Lock(elsewhere, elsewhere):
        said = capsys.readouterr().out
    assert said == f"{elsewhere}: waiting 0 s to see whether its process on node7 lives\n"


def test_a_lock_that_is_released_while_it_is_looked_at_was_alive(elsewhere, monkeypatch):
    monkeypatch.setattr(lock.time, "sleep", lambda _: elsewhere.unlink(missing_ok=True))
    with pytest.raises(DepthGError, match="is being written"):
        Lock(elsewhere, elsewhere)


def test_a_file_that_its_holder_removes_meanwhile_is_made_anew(tmp_path, monkeypatch):
    """It is gone between opening and locking: the lock of a file without a name is worth nothing."""
    path, opened = tmp_path / "a.lock", []
    open_ = lock._open

    def vanishing(path):
        found = open_(path)
        opened.append(found)
        if len(opened) == 1:
            path.unlink()
        return found

    monkeypatch.setattr(lock, "_open", vanishing)
    before = open_files()
    with Lock(path, tmp_path):
        assert len(opened) == 2 and path.is_file()
    assert open_files() == before


def sign(path, age=0.0, **holder) -> None:
    """A lock file of a holder, touched so many seconds ago."""
    path.write_text(json.dumps(holder))
    os.utime(path, (time.time() - age,) * 2)


def test_a_lock_is_held_while_its_process_lives_and_nobody_disturbs_it(tmp_path):
    path, here = tmp_path / "a.lock", socket.gethostname()
    with Lock(path, tmp_path):
        assert is_held(path)
    assert not is_held(path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        sign(path, host=here, pid=process.pid)
        assert is_held(path)
        assert process.poll() is None
        process.stdin.close()
        assert process.wait() == 1  # it ends by itself, at the end of its input
        assert not is_held(path)


def test_a_lock_of_another_machine_is_held_while_it_is_touched(tmp_path):
    path = tmp_path / "a.lock"
    for age, held in ((0, True), (lock.LEFT_AFTER - 5, True), (lock.LEFT_AFTER + 5, False)):
        sign(path, age, host="node7", pid=10**9)
        assert is_held(path) == held


def test_a_lock_of_another_user_is_held(tmp_path, monkeypatch):
    def refuse(_, number):
        assert number == 0  # no signal: it only asks
        raise PermissionError

    monkeypatch.setattr(lock.os, "kill", refuse)
    sign(tmp_path / "a.lock", host=socket.gethostname(), pid=1)
    assert is_held(tmp_path / "a.lock")


@pytest.mark.parametrize(
    "holder", [{}, {"host": "x"}, {"pid": 1}, {"host": socket.gethostname(), "pid": "1"}]
)
def test_a_lock_that_tells_too_little_is_not_held(tmp_path, holder):
    sign(tmp_path / "a.lock", **holder)
    assert is_held(tmp_path / "a.lock") == (holder == {"host": "x"})
