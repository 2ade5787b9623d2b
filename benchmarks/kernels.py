"""Number of kernels that a training step launches, counted on the CPU.

Counted are the operators that PyTorch dispatches and that compute: neither views nor allocations. A card launches one
kernel for most of them and several for some, a few microseconds each, however little there is to compute.
"""

from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.measure import Count, Result
from benchmarks.stores import Stores, write_stores
from benchmarks.training import LHP, PRODUCT
from depthg.config.settings import TrainSettings
from depthg.models.checkpoint import Model
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs
from depthg.training.loop import _optimizer, _optimizer_step
from depthg.training.objective import OBJECTIVES

CROPS = 64  # in the stores
FREE = {
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
    "_unsafe_view",
    "lift_fresh",
}


class Dispatched(TorchDispatchMode):
    """Counts the operators that compute within its block.

    Attributes:
        kernels: how many.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.kernels += not (func.is_view or name in FREE)
        return func(*args, **(kwargs or {}))


def measured(root: Path) -> list[Result]:
    """Counts for the paper's method, without and with 3D-LHP."""
    stores = write_stores(root, CROPS)
    size = f"{PRODUCT.batch} crops + {PRODUCT.batch} neighbours, loss, gradient and optimizer"
    both = (("training step", PRODUCT), ("training step, 3D-LHP", LHP))
    return [Count(stage, size, "operators dispatched", dispatched(stores, s)) for stage, s in both]


def dispatched(stores: Stores, settings: TrainSettings) -> int:
    """Operators of the second step; the first one also creates the optimizer's state."""
    inputs = open_inputs(stores.features, stores.neighbors, settings, geometry=stores.geometry)
    model = Model(settings, inputs.channels)
    objective, optimizer = OBJECTIVES[settings.objective](model, inputs, 0), _optimizer(model)
    for step in range(2):
        batch = Batches(inputs, settings, seed=0)(step).to(torch.device("cpu"))
        with Dispatched() as seen:
            _optimizer_step(objective(batch, step)["total"], model, optimizer)
    return seen.kernels
