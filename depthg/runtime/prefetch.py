"""Background threads: they prepare the next steps while the current one is used, and keep what it gave."""

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


def prefetch(
    make: Callable[[S], T], steps: Iterable[S], ahead: int = 2, threads: int = 1
) -> Generator[T, None, None]:
    """Yield `make(step)` for every step in order; up to `ahead` further ones are computed in the background.

    An error in `make` is raised when its step is yielded; closing the generator stops the threads. A thread
    computes on one core, so that it does not compete with the training step.
    """
    waiting: deque[Future[T]] = deque()
    if torch := sys.modules.get("torch"):
        torch.get_num_threads()  # fixes the number of this thread, which those of the pool would change
    with ThreadPoolExecutor(threads, "batches", _use_one_core) as pool:
        try:
            for step in steps:
                waiting.append(pool.submit(make, step))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _use_one_core() -> None:
    """Let torch compute on one core in this thread; a stage that does not use torch need not load it."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def overlap(
    steps: Iterable[S],
    read: Callable[[S], Any],
    compute: Callable[[S, Any], Any],
    write: Callable[[S, Any], None],
    threads: int = 1,
    writers: int = 1,
    file: Callable[[S], int] = lambda step: 0,
) -> None:
    """Read, compute and write every step, in this thread and others.

    Args:
        steps: the steps, in order.
        read: step → the input of its computation; up to `threads` at a time.
        compute: (step, input) → its result, in the calling thread.
        write: keeps the result of a step; up to `writers` at a time, but steps of one file in order.
        file: step → number of the file that it is written to.
    """
    sources = prefetch(lambda step: (step, read(step)), steps, ahead=threads + 1, threads=threads)
    writing = dict[int, Future[None]]()
    with closing(sources), ThreadPoolExecutor(writers, "writing") as pool:
        for step, source in sources:
            result, number = compute(step, source), file(step)
            if number in writing:
                writing.pop(number).result()
            elif len(writing) == writers:
                writing.pop(next(iter(writing))).result()
            writing[number] = pool.submit(write, step, result)
        for written in writing.values():
            written.result()
