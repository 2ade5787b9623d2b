"""A batch of training alone: drawing its crops and gathering their tokens, which one thread does beside the steps."""

from itertools import count
from pathlib import Path

from benchmarks.measure import Result, Row, Work, alternate
from benchmarks.stores import Stores, write_stores
from benchmarks.training import LHP, PRODUCT
from depthg.config.settings import TrainSettings
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs

DRAWN = 20  # batches in a pass


def measured(root: Path) -> list[Result]:
    """Rows for the paper's method, without and with 3D-LHP."""
    return rows(write_stores(root))


def rows(stores: Stores) -> list[Result]:
    """Rows for both on given stores."""
    works = {
        name: _drawing(stores, settings)
        for name, settings in (("a batch", PRODUCT), ("a batch, 3D-LHP", LHP))
    }
    costs = alternate(works)
    crops = 2 * PRODUCT.batch
    size = f"{PRODUCT.batch} crops + {PRODUCT.batch} neighbours, N = {PRODUCT.samples}, on the CPU"
    return [Row(name, size, cost / DRAWN, items=crops, item="crops") for name, cost in costs.items()]


def _drawing(stores: Stores, settings: TrainSettings) -> Work:
    inputs = open_inputs(stores.features, stores.neighbors, settings, geometry=stores.geometry)
    batches, steps = Batches(inputs, settings, seed=0), count()

    def work() -> None:
        for _ in range(DRAWN):
            batches(next(steps))

    return work
