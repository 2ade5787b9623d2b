"""Prefetching: background threads prepare the next batches while the current one is used."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

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
    torch.get_num_threads()  # fixes the number of this thread, which the call below would change
    with ThreadPoolExecutor(threads, "batches", torch.set_num_threads, (1,)) as pool:
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
