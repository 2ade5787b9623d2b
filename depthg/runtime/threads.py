"""How many CPU threads a process may use, and how they wait for each other."""

import os


def allowed_threads() -> int:
    """The threads that Snakemake gave this job, which is what OpenMP reads as well; else the cores of the machine."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def wait_briefly() -> None:
    """Let OpenMP's threads sleep after some 50 µs of waiting for each other; call it before torch or faiss is loaded.

    They would spin for milliseconds: beside other work on the machine that takes cores from those who compute, and a
    training step of the demo was six times as slow. Without any spinning that step alone takes 1.7 times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "4000")  # turns, of 14 ns each on a recent Xeon
