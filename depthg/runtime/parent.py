"""A process ends with the one that started it, even if that was killed and could tell nobody.

A job whose Snakemake is gone would go on unseen and hold its locks, so that the same command is refused; worker
processes whose job is gone would wait for work for ever. Nothing is lost: whatever is killed goes on where it stopped.
"""

import os
import select
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

SNAKEMAKE = "DEPTHG_SNAKEMAKE"  # set for every job, to the number of the process that started its shell
LOOK_EVERY = 1.0  # seconds, where the system does not tell when a process ends


def follow_snakemake() -> None:
    """End this process when the Snakemake of its job has ended; do nothing for a command that is run by hand."""
    number = os.environ.get(SNAKEMAKE, "")
    if number.isdecimal() and int(number):  # 0: of a process outside this job's container
        follow(int(number), "Snakemake")


def follow(process: int, what: str = "main process") -> None:
    """End this process soon after another one has ended, whose number is `process`; returns at once."""
    threading.Thread(target=_end_after, args=(process, what), daemon=True).start()


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of processes that end with this one. Spawned: forked ones would inherit the threads and locks of torch."""
    spawn = get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=follow, initargs=(os.getpid(),))


def _end_after(process: int, what: str) -> None:
    _wait_for(process)
    print(f"error: {what} {process} has ended, and this process with it", file=sys.stderr, flush=True)
    os._exit(1)  # of all threads, at once: as safe as to be killed


def _wait_for(process: int) -> None:
    """Return when a process has ended."""
    try:
        ended = select.poll()
        ended.register(os.pidfd_open(process), select.POLLIN)
        ended.poll()
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # not Linux, or an old one
        while _is_there(process):
            time.sleep(LOOK_EVERY)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
