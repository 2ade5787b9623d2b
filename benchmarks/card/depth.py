"""Depth networks on the card: from crops in memory to raw depth in memory."""

from pathlib import Path

from benchmarks.card.device import busy, finished, share
from benchmarks.card.networks import Design, published, tiny, untrained
from benchmarks.machine import on_card
from benchmarks.measure import Result, Row, alternate
from benchmarks.vit import SIDE, photographs
from depthg.stages.depth.transformers import Transformers

PASSES, ROUNDS = (8, 3) if on_card() else (1, 1)


def measured(root: Path) -> list[Result]:
    """Two rows a network: its throughput, and the card's share of it."""
    designs = published() if on_card() else tiny()
    return [row for name, design in designs.items() for row in _rows(name, design)]


def _rows(name: str, design: Design) -> list[Result]:
    network, images = untrained(design), photographs(Transformers.batch, SIDE)

    def work() -> None:
        for _ in range(PASSES):
            network.raw(images)

    size = f"{PASSES * network.batch} crops of {SIDE} px, batches of {network.batch}"
    cost, seen = alternate({"ours": finished(work)}, ROUNDS)["ours"], busy(work)
    row = Row(f"depth: {name}", size, cost, items=PASSES * network.batch, item="crops")
    return [row] if seen is None else [row, share(row, seen.seconds)]
