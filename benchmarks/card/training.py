"""A training step on the card as the loop runs, how long the card computes in it, and its parts alone."""

from pathlib import Path
from time import perf_counter

import torch

from benchmarks import batches
from benchmarks.card.device import busy, finished, share
from benchmarks.machine import on_card
from benchmarks.measure import Count, Result, Row, Work, alternate
from benchmarks.stores import CHANNELS, CROPS, GRID, PATCH, Stores, write_stores
from benchmarks.training import LHP, PRODUCT, training
from depthg.config.settings import TrainSettings
from depthg.models.checkpoint import Model
from depthg.runtime.device import device
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs
from depthg.training.loop import _optimizer, _optimizer_step
from depthg.training.objective import OBJECTIVES

FEW, MANY, HELD = (50, 200, 30) if on_card() else (1, 2, 1)  # steps
CROPS_STORED, SIDES, WIDTH = (CROPS, GRID, CHANNELS) if on_card() else (64, (14, 14), 8)
ROUNDS = 2 if on_card() else 1


def measured(root: Path) -> list[Result]:
    """Rows for the paper's method, without and with 3D-LHP."""
    stores = write_stores(root, CROPS_STORED, SIDES, WIDTH, PATCH)
    both = (("training step", PRODUCT), ("training step, 3D-LHP", LHP))
    return [*(one for stage, s in both for one in _step(stores, stage, s)), *batches.rows(stores)]


def _step(stores: Stores, stage: str, settings: TrainSettings) -> list[Result]:
    held, as_run = finished(_held(stores, settings)), _as_run(stores, settings)
    costs = alternate({"loop": as_run, "held": held}, ROUNDS)
    loop, alone = costs["loop"] / (MANY - FEW), costs["held"] / HELD
    size = f"{settings.batch} crops + {settings.batch} neighbours, {SIDES[0]}×{SIDES[1]}×{WIDTH}, as the loop runs"
    crops = 2 * settings.batch
    row = Row(stage, size, loop, alone, "a step on a batch that the card holds", crops, "crops")
    if (seen := busy(held)) is None:
        return [row]
    kernels = Count(stage, size, "kernels launched", round(seen.kernels / HELD))
    return [row, share(row, seen.seconds / HELD), kernels]


def _as_run(stores: Stores, settings: TrainSettings) -> Work:
    """Seconds by which a long training takes longer than a short one: neither opening nor saving counts."""

    def seconds(steps: int) -> float:
        start = perf_counter()
        training(stores, settings.model_copy(update={"steps": steps}))
        return perf_counter() - start

    return lambda: seconds(MANY) - seconds(FEW)


def _held(stores: Stores, settings: TrainSettings) -> Work:
    """Some steps on one batch."""
    inputs = open_inputs(stores.features, stores.neighbors, settings, geometry=stores.geometry)
    torch.manual_seed(0)
    model = Model(settings, inputs.channels).to(device())
    objective, optimizer = OBJECTIVES[settings.objective](model, inputs, 0), _optimizer(model)
    batch = Batches(inputs, settings, 0, device())(0).to(device())

    def work() -> None:
        for step in range(HELD):
            _optimizer_step(objective(batch, step)["total"], model, optimizer)

    return work
