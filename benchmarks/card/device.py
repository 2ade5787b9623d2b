"""Awaits the card, and asks it how long it computed."""

from dataclasses import dataclass

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.machine import on_card
from benchmarks.measure import Cost, Row, Work

COPIES = ("Memcpy", "Memset")


@dataclass(frozen=True)
class Busy:
    """What a card did during a work.

    Attributes:
        seconds: sum of the times of its kernels, without copies.
        kernels: number of kernels.
    """

    seconds: float
    kernels: int


def finished(work: Work) -> Work:
    """The work, and waiting for what the card still has to do of it."""

    def whole() -> object:
        told = work()
        if on_card():
            torch.cuda.synchronize()
        return told

    return whole


def busy(work: Work) -> Busy | None:
    """Run a work under the profiler, which makes it slower, but not its kernels; None without a card."""
    if not on_card():
        return None
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        finished(work)()
    kernels = [
        event
        for event in seen.events()
        if event.device_type == DeviceType.CUDA and not event.name.startswith(COPIES)
    ]
    return Busy(sum(event.device_time for event in kernels) / 1e6, len(kernels))


def share(row: Row, computing: float) -> Row:
    """A row whose ratio is the share of the time of `row` in which the card computes, `computing` seconds."""
    kernels = Cost((computing,) * len(row.ours.times))
    return Row(f"{row.stage}: the card's share", row.size, row.ours, kernels, "what its kernels take")
