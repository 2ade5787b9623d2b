"""Stages on a busy machine: next to one busy process per core, a fair share doubles their time."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter

from benchmarks.measure import Row, Target, Work, alternate, cores
from benchmarks.points import geometry
from benchmarks.stores import write_stores
from benchmarks.training import PRODUCT, training
from benchmarks.vit import forward_of

BUSY = "while True: pass"
CROPS = 64


def measured(root: Path) -> list[Row]:
    """Rows for a training step, for geometry, and for the backbone's forward pass."""
    stores, few = write_stores(root / "all"), write_stores(root / "few", CROPS, channels=8)
    works: dict[str, tuple[str, Work]] = {
        "training step": (f"{PRODUCT.steps} steps of {PRODUCT.batch}", lambda: training(stores, PRODUCT)),
        "geometry": (f"{CROPS} crops", lambda: geometry(few)),
        "features": ("4 crops through ViT-S/8", forward_of(4)),
    }
    return [_row(stage, size, work) for stage, (size, work) in works.items()]


def _row(stage: str, size: str, work: Work) -> Row:
    def crowded() -> float:
        with busy_processes(cores()):
            start = perf_counter()
            work()
            return perf_counter() - start

    costs = alternate({"ours": crowded, "reference": work}, rounds=3)
    return Row(
        f"{stage}, beside a busy process a core",
        size,
        costs["ours"],
        costs["reference"],
        "the same alone",
        target=Target("ratio", 0.5),
    )


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run busy processes, each on one core, within the block."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
            stack.callback(process.kill)
        yield
