"""Trainings of several seeds at once on one card, each in a process of its own, as the workflow runs them."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from time import perf_counter

from benchmarks.card.training import CROPS_STORED, SIDES, WIDTH
from benchmarks.machine import on_card
from benchmarks.measure import Cost, Result, Row, Target
from benchmarks.stores import PATCH, Stores, write_stores
from benchmarks.training import LHP, PRODUCT
from depthg.config.settings import TrainSettings
from depthg.training.loop import train

SEEDS, STEPS = (5, 1000) if on_card() else (2, 2)
WAIT = 300  # seconds, for the others


def measured(root: Path) -> list[Result]:
    """One row for the paper's method, without and with 3D-LHP."""
    stores = write_stores(root, CROPS_STORED, SIDES, WIDTH, PATCH)
    return [_row(stores, name, s) for name, s in (("trainings", PRODUCT), ("trainings, 3D-LHP", LHP))]


def _row(stores: Stores, name: str, settings: TrainSettings) -> Row:
    """All seeds against one; both ready to train before the clock starts, but with their first steps."""
    together, alone = (max(_seconds(stores, settings, range(seeds))) for seeds in (SEEDS, 1))
    size = f"{SEEDS} seeds at once, {STEPS} steps of {settings.batch} crops each"
    return Row(name, size, Cost((together,)), Cost((alone,)), "one seed", target=Target("ratio", 0.5))


def _seconds(stores: Stores, settings: TrainSettings, seeds: Sequence[int]) -> list[float]:
    """How long the training of each seed takes."""
    context = get_context("spawn")
    with context.Manager() as manager:
        ready = manager.Barrier(len(seeds), timeout=WAIT)
        work = partial(_training, stores, settings.model_copy(update={"steps": STEPS}), ready)
        with ProcessPoolExecutor(len(seeds), context) as pool:
            return list(pool.map(work, seeds))


def _training(stores: Stores, settings: TrainSettings, ready: Barrier, seed: int) -> float:
    """Seconds of a training, after a first short one that loads what is needed."""
    for steps in (1, settings.steps):
        some = settings.model_copy(update={"steps": steps})
        with TemporaryDirectory() as out:
            ready.wait()
            start = perf_counter()
            train(stores.features, stores.neighbors, Path(out), some, seed, geometry=stores.geometry)
    return perf_counter() - start
