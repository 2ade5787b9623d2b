import threading

import pytest
import torch

from depthg.runtime.prefetch import prefetch


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_all_steps_in_order():
    assert list(prefetch(lambda step: step * step, range(3, 9))) == [9, 16, 25, 36, 49, 64]
    assert list(prefetch(lambda step: step, range(0))) == []
    assert not workers()


def test_an_error_arrives_at_its_step():
    def make(step):
        if step == 2:
            raise ValueError("bad crop")
        return step

    batches = prefetch(make, range(9))
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(ValueError, match="bad crop"):
        next(batches)
    assert not workers()


def test_leaving_early_stops_the_thread():
    made = []
    batches = prefetch(lambda step: made.append(step) or step, range(1000), ahead=3)
    assert next(batches) == 0
    batches.close()
    assert not workers() and len(made) <= 4


def test_only_the_thread_keeps_to_one_core():
    cores = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert list(prefetch(lambda step: torch.get_num_threads(), range(2))) == [1, 1]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(cores)
