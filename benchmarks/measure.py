"""Measures time and peak memory of implementations, in alternating runs.

The speed of a machine varies. Two implementations are therefore run in turn, several times in one process; their ratio
is the median of the ratios of adjacent runs, and a time is the median of all runs.
"""

import ctypes
import gc
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np

ROUNDS = 5
QUICK = 2.0  # seconds; faster works are run once more, to measure memory only
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Work = Callable[[], object]  # returns the seconds of a part, if only that part counts


@dataclass(frozen=True)
class Cost:
    """Cost of one pass.

    Attributes:
        times: seconds, one value per round.
        peak_mb: increase of resident memory in MB, or None if unknown.
    """

    times: tuple[float, ...]
    peak_mb: float | None = None

    @property
    def seconds(self) -> float:
        """The median of the times."""
        return median(self.times)

    def __truediv__(self, parts: float) -> "Cost":
        """Cost of one of several equal, sequential parts: a fraction of the time, the same memory."""
        return Cost(tuple(seconds / parts for seconds in self.times), self.peak_mb)

    def __add__(self, other: "Cost") -> "Cost":
        """Cost of two passes in sequence, round by round, without memory."""
        return Cost(tuple(a + b for a, b in zip(self.times, other.times, strict=True)))


@dataclass(frozen=True)
class Target:
    """A target: an upper bound of seconds, or a lower bound of the ratio or throughput."""

    of: Literal["seconds", "ratio", "throughput"]
    bound: float

    def met(self, value: float) -> bool:
        return value <= self.bound if self.of == "seconds" else value >= self.bound


@dataclass(frozen=True)
class Row:
    """One row of the results: our implementation and, if there is one, the reference.

    Attributes:
        stage: stage of the pipeline.
        size: input of a pass, in words.
        ours: cost of a pass.
        reference: cost of the straightforward implementation.
        against: description of the reference.
        items: number of `item` that a pass handles.
        item: what throughput counts.
        target: what is to be reached.
        disk_mb: bytes of the artifacts that are read or written, MB.
        note: what a reader must know besides.
    """

    stage: str
    size: str
    ours: Cost
    reference: Cost | None = None
    against: str = ""
    items: float = 1
    item: str = "pass"
    target: Target | None = None
    disk_mb: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Speed-up over the reference: the median over the rounds."""
        if self.reference is None:
            return None
        return median(b / a for a, b in zip(self.ours.times, self.reference.times, strict=True))

    @property
    def throughput(self) -> float:
        """Items per second."""
        return self.items / self.ours.seconds

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        values = {"seconds": self.ours.seconds, "ratio": self.ratio, "throughput": self.throughput}
        value = values[self.target.of]
        return None if value is None else self.target.met(value)


@dataclass(frozen=True)
class Count:
    """A number that is the same on every machine and in every run.

    Attributes:
        stage: stage of the pipeline.
        size: its input, in words.
        what: what is counted.
        number: how many.
        most: how many are wanted at most.
    """

    stage: str
    size: str
    what: str
    number: int
    most: int | None = None

    @property
    def met(self) -> bool | None:
        """Whether there are few enough; None if no number is wanted."""
        return None if self.most is None else self.number <= self.most


@dataclass(frozen=True)
class Growth:
    """Growth of the time of a stage with one size, others being equal.

    Attributes:
        stage: stage of the pipeline.
        over: name of the size.
        sizes: values of the size.
        seconds: median time at each size.
        exponent: least-squares slope of the logarithms; 1 for linear growth.
    """

    stage: str
    over: str
    sizes: tuple[float, ...]
    seconds: tuple[float, ...]
    exponent: float = field(init=False)

    def __post_init__(self) -> None:
        slope = np.polyfit(np.log(self.sizes), np.log(self.seconds), 1)[0]
        object.__setattr__(self, "exponent", float(slope))


Result = Row | Count | Growth


def alternate(works: Mapping[str, Work], rounds: int = ROUNDS) -> dict[str, Cost]:
    """Run each work once to warm up, then all in turn, `rounds` times.

    Peak memory is measured in an untimed pass, after freed memory has been returned to the system.
    """
    peaks = {name: _peak_mb(work) for name, work in works.items()}
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(_seconds(work))
    for name, work in works.items():
        if median(times[name]) < QUICK:  # without what a first pass loads
            peaks[name] = _peak_mb(work)
    return {name: Cost(tuple(times[name]), peaks[name]) for name in works}


def _seconds(work: Work) -> float:
    gc.collect()
    start = time.perf_counter()
    told = work()
    return told if isinstance(told, float) else time.perf_counter() - start


def _peak_mb(work: Work) -> float | None:
    """Run a work and return the increase of resident memory in MB; None if the system is not Linux."""
    if not RESET.exists():
        work()
        return None
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    RESET.write_text("5")  # the peak starts from what is resident now
    before = _resident_mb("VmRSS")
    work()
    return max(0.0, _resident_mb("VmHWM") - before)


def _resident_mb(which: str) -> float:
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024 / 1e6


def disk_mb(*paths: Path) -> float:
    """Total size of all files below folders in MB."""
    files = (file for path in paths for file in path.rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
