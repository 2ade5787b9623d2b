"""One writer at a time: a lock file that names its holder and is freed when the holder dies.

On one machine the kernel frees a lock when its process ends, however it ends. Another machine may share the
folder and not the kernel's locks (some network file systems), so the holder also touches the file every few
seconds: a lock of another machine that is no longer touched was left by a dead process.
"""

import fcntl
import json
import os
import socket
import threading
import time
import weakref
from pathlib import Path

from depthg.errors import DepthGError
from depthg.runtime.progress import info

TOUCH_EVERY = 15.0  # seconds
LEFT_AFTER = 90.0  # seconds; network file systems may show a time of change that is a minute old
SIGNED_WITHIN = 2.0  # seconds after it was made
LOOK_EVERY = 0.2  # seconds, between two tries of a process that waits


class Lock:
    """Holds a lock file from now to `release`, or to the end of the process.

    Args:
        path: the lock file; removed when the lock is released.
        what: what it guards, for the error.
        wait: until it is free, instead of raising; for what is held for a short time only.

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


def _take(path: Path) -> int | None:
    """The descriptor of the lock file, locked; None if another process holds it."""
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
    """The descriptor of the lock file, and whether we made it: of several machines, just one does."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666), False


def _try(stream: int) -> bool:
    """Whether the kernel gives us the lock, or has no such locks on this file system and touching has to do."""
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
    os.fsync(stream)  # for other machines to see


def _is_same(path: Path, stream: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream))
    except FileNotFoundError:
        return False


def _is_left(path: Path) -> bool:
    """Whether a lock that the kernel gives us is not held on another machine, whose kernel may not tell ours."""
    until = time.monotonic() + SIGNED_WITHIN
    while not _holder(path) and time.monotonic() < until:  # just made there, or killed before it signed
        time.sleep(LOOK_EVERY)
    return _holder(path).get("host") in (None, socket.gethostname()) or not _is_touched(path)


def _is_touched(path: Path) -> bool:
    """Whether somebody touches the lock of another machine: takes as long as it takes to see that nobody does."""
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
        with path.open() as stream:  # opening makes a network file system ask its server
            return os.fstat(stream.fileno()).st_mtime_ns
    except FileNotFoundError:  # released meanwhile, and so alive
        return 0


def _touch(stream: int, stop: threading.Event) -> None:
    while not stop.wait(TOUCH_EVERY):
        os.utime(stream)


def _release(path: Path, stream: int, stop: threading.Event, touching: threading.Thread, owner: int) -> None:
    if os.getpid() != owner:  # a forked process that ends leaves its parent's lock alone
        return
    stop.set()
    touching.join()
    if _is_same(path, stream):
        path.unlink()
    os.close(stream)


def _holder(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # empty: its process was killed before it signed
        return {}


def _held(path: Path, what: Path) -> DepthGError:
    holder = _holder(path)
    return DepthGError(
        f"{what} is being written by process {holder.get('pid')} on {holder.get('host')}: wait for it, or end "
        f"it and run the same command again (if there is no such process, remove {path})"
    )
