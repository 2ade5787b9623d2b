"""Reads tokens of random crops, as training does."""

from pathlib import Path

import numpy as np

from benchmarks.measure import Row, Target, alternate, disk_mb
from benchmarks.stores import CROPS, write_stores
from depthg.store.reader import Store

READ = 64  # crops


def measured(root: Path) -> list[Row]:
    """One row; after the first pass the files are in the page cache."""
    stores = write_stores(root)
    store, rng = Store(stores.features), np.random.default_rng(0)
    plain = store.array("tokens")

    def drawn() -> np.ndarray:
        return rng.permutation(CROPS)[:READ]

    works = {
        "ours": lambda: store.read("tokens", drawn()),
        "reference": lambda: plain.oindex[drawn()],
    }
    costs = alternate(works, rounds=9)
    row = Row(
        "reading",
        f"{READ} random crops of {CROPS}, 28×28×384 float16, warm",
        costs["ours"],
        costs["reference"],
        "Zarr's orthogonal selection",
        store.read("tokens", range(READ)).nbytes / 1e6,
        "MB",
        Target("throughput", 1500),
        disk_mb(stores.features),
    )
    return [row]
