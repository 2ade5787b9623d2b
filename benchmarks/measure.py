"""What a way to do something costs: time, in runs that alternate with another way, and memory at its peak.

A machine is never equally fast twice. So two ways are run in turn, in one process, several times over; a ratio is
the median of the ratios of neighbouring runs, a time the median of times.
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
QUICK = 5.0  # seconds: what takes less is run once more, for its memory alone
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Work = Callable[[], object]  # where only a part of it counts, it returns the seconds of that part


@dataclass(frozen=True)
class Cost:
    """What one pass took.

    Attributes:
        times: seconds, a value a round.
        peak_mb: how much resident memory rose above what it was before, MB; None where that is not known.
    """

    times: tuple[float, ...]
    peak_mb: float | None = None

    @property
    def seconds(self) -> float:
        """The median of the times."""
        return median(self.times)

    def __truediv__(self, parts: float) -> "Cost":
        """One of so many equal parts; they follow each other, so the memory is that of all."""
        return Cost(tuple(seconds / parts for seconds in self.times), self.peak_mb)

    def __add__(self, other: "Cost") -> "Cost":
        """One after the other, round by round; whose memory is larger is not known."""
        return Cost(tuple(a + b for a, b in zip(self.times, other.times, strict=True)))


@dataclass(frozen=True)
class Target:
    """What is to be reached: at most so many seconds, or at least such a ratio or throughput."""

    of: Literal["seconds", "ratio", "throughput"]
    bound: float

    def met(self, value: float) -> bool:
        return value <= self.bound if self.of == "seconds" else value >= self.bound


@dataclass(frozen=True)
class Row:
    """One line of the results: our way and, where there is one, the way it is held against.

    Attributes:
        stage: of the pipeline.
        size: what a pass works on, in words.
        ours: a pass.
        reference: the same work the straightforward way.
        against: what that is, in words.
        items: how many of `item` a pass handles.
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
        """How many times as fast as the reference: the median over the rounds."""
        if self.reference is None:
            return None
        return median(b / a for a, b in zip(self.ours.times, self.reference.times, strict=True))

    @property
    def throughput(self) -> float:
        """Items a second."""
        return self.items / self.ours.seconds

    @property
    def met(self) -> bool | None:
        """Whether the target is; None without one."""
        if self.target is None:
            return None
        values = {"seconds": self.ours.seconds, "ratio": self.ratio, "throughput": self.throughput}
        value = values[self.target.of]
        return None if value is None else self.target.met(value)


@dataclass(frozen=True)
class Growth:
    """How the time of a stage grows with one size, all else being equal.

    Attributes:
        stage: of the pipeline.
        over: the size that changes.
        sizes: its values.
        seconds: the median time at each.
        exponent: slope of the logarithms, by least squares: 1 where twice the size takes twice as long.
    """

    stage: str
    over: str
    sizes: tuple[float, ...]
    seconds: tuple[float, ...]
    exponent: float = field(init=False)

    def __post_init__(self) -> None:
        slope = np.polyfit(np.log(self.sizes), np.log(self.seconds), 1)[0]
        object.__setattr__(self, "exponent", float(slope))


def alternate(works: Mapping[str, Work], rounds: int = ROUNDS) -> dict[str, Cost]:
    """Run each work once to warm up, then all in turn, `rounds` times.

    The peak of memory is that of a pass outside the timing, before which freed memory went back to the system.
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
    """Run a work and tell how far resident memory rose, MB; None where the system is not Linux."""
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
    """Bytes of all files below some folders, MB."""
    files = (file for path in paths for file in path.rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
