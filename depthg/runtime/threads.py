"""How many CPU threads a process may use."""

import os


def allowed_threads() -> int:
    """The threads that Snakemake gave this job, which is what OpenMP reads as well; else the cores of the machine."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
