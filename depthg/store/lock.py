"""Lock files: one writer at a time, also across machines; a lock is released when its holder dies.

On one machine the kernel releases a lock when its process ends, even if it is killed. Machines that share a folder do
not always share kernel locks (some network file systems), so the holder also touches its lock file every few seconds:
a lock of another machine that is no longer touched is stale.
"""

import fcntl
import json
import os
import socket
import threading
import time
import weakref
from pathlib import Path
from typing import Self

from depthg.errors import DepthGError
from depthg.runtime.progress import info

TOUCH_EVERY = 15.0  # seconds
LEFT_AFTER = 90.0  # seconds; network file systems may report an mtime that is a minute old
SIGNED_WITHIN = 2.0  # seconds from creating a lock file to writing its holder into it
LOOK_EVERY = 0.2  # seconds between two attempts of a waiting process


class Lock:
    """Holds a lock file from now to `release`, to the end of a `with` block, or to the end of the process.

    Args:
        path: the lock file; removed when the lock is released.
        what: file or store that it protects, for the error message.
        wait: wait until the lock is free instead of raising; for locks that are held briefly.

    Raises:
        DepthGError: another process holds it.
    """

    def __init__(self, path: Path, what: Path, wait: bool = False):
        while (stream := _take(path)) is None:
            if not wait:
                raise _held(path, what)
            time.sleep(LOOK_EVERY)
        _sign(stream)
        stop = threading.Event()
        touching = threading.Thread(target=_touch, args=(stream, stop), daemon=True)
        touching.start()
        self.release = weakref.finalize(self, _release, path, stream, stop, touching, os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether a lock file seems to be held, found out by reading only: its process lives and touches it."""
    holder, now = _holder(path), time.time()
    try:
        if not holder or now - path.stat().st_mtime > LEFT_AFTER:
            return False
        if holder["host"] == socket.gethostname():
            os.kill(holder["pid"], 0)
    except PermissionError:  # of another user
        return True
    except (OSError, LookupError, TypeError):
        return False
    return True


def _take(path: Path) -> int | None:
    """A descriptor of the lock file, with the lock held; None if another process holds it."""
    while True:
        stream, is_new = _open(path)
        free = _try(stream)
        if free and not _is_same(path, stream):  # its holder has just removed it
            os.close(stream)
            continue
        if free and (is_new or _is_left(path)):
            return stream
        os.close(stream)
        return None


def _open(path: Path) -> tuple[int, bool]:
    """A descriptor of the lock file, and whether this call created it (true on one machine only)."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666), False


def _try(stream: int) -> bool:
    """Whether the kernel grants the lock; true as well if the file system has no locks (touching replaces them)."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _sign(stream: int) -> None:
    os.ftruncate(stream, 0)
    os.write(stream, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode())
    os.fsync(stream)  # make it visible to other machines


def _is_same(path: Path, stream: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream))
    except FileNotFoundError:
        return False


def _is_left(path: Path) -> bool:
    """Whether a lock granted by this kernel is stale, that is, not held by a live process on another machine."""
    until = time.monotonic() + SIGNED_WITHIN
    while not _holder(path) and time.monotonic() < until:  # just created, or never signed
        time.sleep(LOOK_EVERY)
    return _holder(path).get("host") in (None, socket.gethostname()) or not _is_touched(path)


def _is_touched(path: Path) -> bool:
    """Whether the holder on another machine touches its lock file; waits up to LEFT_AFTER seconds for a touch."""
    info(
        f"{path}: waiting {LEFT_AFTER:.0f} s to see whether its process on {_holder(path).get('host')} lives"
    )
    before, until = _changed(path), time.monotonic() + LEFT_AFTER
    while time.monotonic() < until:
        time.sleep(min(1.0, LEFT_AFTER))
        if _changed(path) != before:
            return True
    return False


def _changed(path: Path) -> int:
    try:
        with path.open() as stream:  # opening makes a network file system refresh the mtime
            return os.fstat(stream.fileno()).st_mtime_ns
    except FileNotFoundError:  # released meanwhile, so its process was alive
        return 0


def _touch(stream: int, stop: threading.Event) -> None:
    while not stop.wait(TOUCH_EVERY):
        os.utime(stream)


def _release(path: Path, stream: int, stop: threading.Event, touching: threading.Thread, owner: int) -> None:
    if os.getpid() != owner:  # a forked child must not release its parent's lock
        return
    stop.set()
    touching.join()
    if _is_same(path, stream):
        path.unlink()
    os.close(stream)


def _holder(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # empty: the process was killed before signing
        return {}


def _held(path: Path, what: Path) -> DepthGError:
    holder = _holder(path)
    return DepthGError(
        f"{what} is being written by process {holder.get('pid')} on {holder.get('host')}: wait for it, or end "
        f"it and run the same command again (if there is no such process, remove {path})"
    )
