import os
import time

import pytest

from depthg.errors import DepthGError
from depthg.evaluation.workers import ordered_map


def items(count: int, taken: list[int] | None = None):
    """Items whose context is their number, as a string."""
    for number in range(count):
        if taken is not None:
            taken.append(number)
        yield str(number), (number,)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_come_in_order_with_their_context(workers):
    assert list(ordered_map(abs, items(8), workers)) == [(str(n), n) for n in range(8)]


def test_reads_only_a_few_items_ahead():
    taken: list[int] = []
    results = ordered_map(abs, items(100, taken), workers=2)
    next(results)
    results.close()
    assert len(taken) == 5


def test_an_error_in_a_worker_is_raised_here():
    with pytest.raises(OverflowError):
        list(ordered_map(time.sleep, [("", (1e30,))], workers=2))


def test_a_killed_worker_is_named_and_does_not_hang():
    with pytest.raises(DepthGError, match="worker processes was killed"):
        list(ordered_map(os._exit, items(4), workers=2))
