"""Stages on a busy machine: next to one busy process per core, a fair share doubles their time.

That share is the most that any work on all cores can have; threads that wait for each other get less. Two works that
are none of ours show both: threads that never meet, and torch's own, which meet after every product of matrices.
"""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import torch

from benchmarks.measure import Row, Target, Work, alternate, cores
from benchmarks.points import geometry
from benchmarks.stores import write_stores
from benchmarks.training import PRODUCT, training
from benchmarks.vit import forward_of

BUSY = "while True: pass"
CROPS = 64
HASHED = 1 << 28  # bytes a thread
PRODUCTS = 1000


def measured(root: Path) -> list[Row]:
    """Rows for a training step, for geometry, and for the backbone's forward pass."""
    stores, few = write_stores(root / "all"), write_stores(root / "few", CROPS, channels=8)
    works: dict[str, tuple[str, Work]] = {
        "training step": (f"{PRODUCT.steps} steps of {PRODUCT.batch}", lambda: training(stores, PRODUCT)),
        "geometry": (f"{CROPS} crops", lambda: geometry(few)),
        "features": ("4 crops through ViT-S/8", forward_of(4)),
    }
    bounds: dict[str, tuple[str, Work]] = {
        "threads that never meet": (f"{HASHED >> 20} MB hashed by each", hashes),
        "threads that meet": (f"{PRODUCTS} products of 32 matrices, 121×384 by 384×121", products),
    }
    share = Target("ratio", 0.5)
    return [
        *(_row(stage, size, work, share) for stage, (size, work) in works.items()),
        *(_row(stage, size, work, None) for stage, (size, work) in bounds.items()),
    ]


def hashes() -> None:
    """A hash by a thread of each core, which waits for nothing."""
    content = bytes(HASHED)
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(lambda _: sha256(content).digest(), range(cores())))


def products() -> None:
    """The product that a training step takes of its tokens, without anything between two of them."""
    tokens = torch.ones(32, 121, 384)
    for _ in range(PRODUCTS):
        torch.bmm(tokens, tokens.mT)


def _row(stage: str, size: str, work: Work, target: Target | None) -> Row:
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
        target=target,
    )


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run busy processes, each on one core, within the block."""
    with ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
            stack.callback(process.kill)
        yield
