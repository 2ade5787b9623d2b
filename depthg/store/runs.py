"""Runs of Snakemake in a folder: the locks of a dead one are lifted, those of a living one are respected.

Snakemake notes in `.snakemake/locks` which files a run makes, but not which process that is: after `kill -9` it refuses
the same command until it is unlocked by hand. So each run of this workflow holds, before Snakemake locks anything, a
lock file of its own in `.snakemake/runs`, which the kernel releases when the run ends, however it ends.
"""

import json
import os
import shutil
import socket
import sys
from functools import cache
from pathlib import Path

from depthg.errors import DepthGError
from depthg.store.lock import Lock

FOLDER = Path(".snakemake")


@cache
def register_run(folder: Path) -> Lock:
    """Hold the lock file of this run, to the end of the process; before, lift the locks of runs that are dead.

    Args:
        folder: where Snakemake keeps its state, an absolute path. The function does nothing when called again.
    """
    runs = folder / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    guard = Lock(runs / "registering.lock", runs, wait=True)
    try:
        _lift_dead(folder)
        return Lock(runs / f"{socket.gethostname()}-{os.getpid()}.run", folder)
    finally:
        guard.release()


def _lift_dead(folder: Path) -> None:
    """Remove Snakemake's locks if the runs that may have left them are known, and none of them lives."""
    runs = sorted((folder / "runs").glob("*.run"))
    if not runs or not list((folder / "locks").glob("*.lock")):
        return
    holders = [_holder(run) for run in runs]
    if all([_is_dead(run) for run in runs]):  # a list: forgets all that are dead
        shutil.rmtree(folder / "locks")
        print(
            f"{folder / 'locks'}: lifted, as left by {' and '.join(holders)}, which has ended",
            file=sys.stderr,
        )


def _is_dead(run: Path) -> bool:
    """Whether no process holds the lock file of a run; removes the file if so."""
    try:
        Lock(run, run).release()
    except DepthGError:
        return False
    return True


def _holder(run: Path) -> str:
    try:
        signed = json.loads(run.read_text())
        return f"process {signed['pid']} on {signed['host']}"
    except (OSError, ValueError, KeyError):  # killed before it signed
        return "a process"
