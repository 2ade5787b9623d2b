"""Parallel map with results in order and a bounded number of items in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from depthg.errors import DepthGError
from depthg.runtime.parent import worker_pool

Context = TypeVar("Context")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[..., Result], items: Iterable[tuple[Context, tuple[Any, ...]]], workers: int
) -> Iterator[tuple[Context, Result]]:
    """Yield (context, function(*arguments)) for every item, in order, computed by worker processes.

    Args:
        function: importable by name; runs in this process if `workers` is 1 or less.
        items: (context, arguments); the arguments are pickled, the context stays in this process. At most two items
            per worker are read ahead.
        workers: number of processes.

    Raises:
        DepthGError: a worker process was killed. Exceptions of `function` are raised unchanged.
    """
    if workers <= 1:
        yield from ((context, function(*arguments)) for context, arguments in items)
        return
    pool = worker_pool(workers)
    waiting: deque[tuple[Context, Future[Result]]] = deque()
    try:
        for context, arguments in items:
            waiting.append((context, pool.submit(function, *arguments)))
            if len(waiting) > 2 * workers:
                context, future = waiting.popleft()
                yield context, future.result()
        while waiting:
            context, future = waiting.popleft()
            yield context, future.result()
    except BrokenProcessPool:
        raise DepthGError(
            f"one of {workers} worker processes was killed, most likely for want of memory: use fewer threads"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
