"""A training step including reading from the stores: the paper's method, without and with 3D-LHP."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.measure import Cost, Row, Target, Work, alternate, disk_mb
from benchmarks.stores import Stores, write_stores
from benchmarks.straightforward import TrainingStep
from benchmarks.vit import forward_of
from depthg.config.settings import TrainSettings
from depthg.models.checkpoint import Model
from depthg.runtime.device import device
from depthg.store.reader import Store
from depthg.training.inputs import open_inputs
from depthg.training.loop import train

STEPS = 30  # of ours in a pass: opening the stores and writing the model are part of it
SHOWN = 4  # crops that the backbone's forward is timed on
PRODUCT = TrainSettings(sampling="fps", depth_loss="product", steps=STEPS)
LHP = PRODUCT.model_copy(update={"lhp": "depth"})


def measured(root: Path) -> list[Row]:
    """Rows for both, each against a reference step without and with the backbone."""
    stores = write_stores(root)
    return [
        *_rows(stores, "training step", PRODUCT, Target("seconds", 0.2), rounds=5),
        *_rows(stores, "training step, 3D-LHP", LHP, Target("seconds", 0.6), rounds=2),
    ]


def _rows(stores: Stores, stage: str, settings: TrainSettings, target: Target, rounds: int) -> list[Row]:
    works = {
        "ours": lambda: training(stores, settings),
        "reference": _reference(stores, settings),
        "backbone": forward_of(SHOWN),
    }
    costs = alternate(works, rounds)
    crops = 2 * settings.batch
    ours, step = costs["ours"] / settings.steps, costs["reference"]
    with_backbone: Cost = step + costs["backbone"] / (SHOWN / crops)
    size = f"{settings.batch} crops + {settings.batch} neighbours, 28×28×384, N = {settings.samples}, Q = 70"
    held = {
        "step on the same tokens: head on all, bilinear reads, points"
        + (" and [784, 784, Q] mixing in it" if settings.lhp != "none" else " in it"): step,
        "the same with the backbone in it": with_backbone,
    }
    notes = ("", f"the backbone's part is scaled from {SHOWN} crops to {crops}")
    disk = disk_mb(stores.features, stores.neighbors, stores.geometry)
    return [
        Row(stage, size, ours, cost, against, crops, "crops", target, disk, note)
        for (against, cost), note in zip(held.items(), notes, strict=True)
    ]


def training(stores: Stores, settings: TrainSettings) -> None:
    """Train as the workflow does."""
    with TemporaryDirectory() as out:
        train(stores.features, stores.neighbors, Path(out), settings, seed=0, geometry=stores.geometry)


def _reference(stores: Stores, settings: TrainSettings) -> Work:
    """One reference step on randomly drawn crops."""
    inputs = open_inputs(stores.features, stores.neighbors, settings, geometry=stores.geometry)
    torch.manual_seed(0)
    step = TrainingStep(inputs, Store(stores.depth), Model(settings, inputs.channels).to(device()))
    rng = np.random.default_rng(0)

    def work() -> None:
        anchors = rng.permutation(inputs.crops)[: settings.batch]
        rolls = 1 + rng.permutation(settings.batch - 1)[: settings.negatives]
        step(anchors, (anchors + 1) % inputs.crops, rolls.tolist())

    return work
