"""A job of Snakemake locks its log while it lives, so that a running job can be told from one that was killed.

The kernel releases the lock when the job ends, however it ends.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from depthg.runtime.parent import SNAKEMAKE


def hold_log() -> None:
    """Lock the log, to which standard output goes, to the end of this process; nothing for a command run by hand."""
    if os.environ.get(SNAKEMAKE):
        with suppress(OSError):  # a file system without locks
            fcntl.flock(1, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_live(log: Path) -> bool:
    """Whether the job that writes this log lives; false where that cannot be told."""
    try:
        with log.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no log, or a file system without locks
        return False
    return False
