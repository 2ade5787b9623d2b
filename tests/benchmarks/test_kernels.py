"""What is counted as a kernel, and a batch alone; no time is asserted."""

import torch

from benchmarks import batches, kernels
from benchmarks.kernels import Dispatched
from benchmarks.stores import write_stores


def counted(compute):
    with Dispatched() as seen:
        compute()
    return seen.kernels


def test_views_and_allocations_are_free():
    a = torch.ones(4, 3)
    assert counted(lambda: a.t().reshape(2, 6)[0]) == 1  # the copy that reshape makes of transposed values
    assert counted(lambda: torch.empty(3)) == 0
    assert counted(lambda: (a + a) @ a.t()) == 2


def test_the_backward_pass_counts():
    a = torch.ones(3, requires_grad=True)
    forward = counted(lambda: (a * a).sum())
    assert forward == 2 and counted(lambda: (a * a).sum().backward()) > forward


def test_a_step_with_3d_lhp_launches_more(tmp_path, tiny, monkeypatch):
    stores = write_stores(tmp_path, 8, (4, 5), channels=6, patch=1)
    monkeypatch.setattr(kernels, "CROPS", 8)
    counts = [kernels.dispatched(stores, settings) for settings in tiny.values()]
    assert 50 < counts[0] < counts[1] < 1000
    assert counts[0] == kernels.dispatched(stores, tiny["PRODUCT"])  # the same in every run


def test_batches_alone(tmp_path, tiny, monkeypatch):
    for name, settings in tiny.items():
        monkeypatch.setattr(batches, name, settings)
    monkeypatch.setattr(batches, "DRAWN", 1)
    rows = batches.rows(write_stores(tmp_path, 8, (4, 5), channels=6, patch=1))
    assert [row.stage for row in rows] == ["a batch", "a batch, 3D-LHP"]
    assert all(row.items == 8 and row.throughput > 0 for row in rows)
