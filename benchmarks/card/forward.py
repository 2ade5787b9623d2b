"""The bare forward pass of ViT-S/8 on pixels that the card holds: precisions, batches, compiled or not."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.card.device import finished
from benchmarks.machine import on_card
from benchmarks.measure import Result, Row, Work, alternate
from benchmarks.vit import ARGS, MODEL, SIDE
from depthg.config.sections import Backbone
from depthg.models.backbones import DenseBackbone
from depthg.runtime.device import device

NETWORK, SIZE = (MODEL, SIDE) if on_card() else ("vit_tiny_patch16_224", 32)
CROPS = 2048 if on_card() else 4  # in a pass
BATCHES = (16, 64, 128) if on_card() else (2,)
COMPILED = (64, 128) if on_card() else ()  # batches; takes half a minute each, and a C++ compiler
ROUNDS = 3 if on_card() else 1
AUTOCAST = "float32 weights, autocast to bfloat16" if on_card() else "float32 weights"
WEIGHTS = {
    AUTOCAST: torch.float32,
    "bfloat16 weights": torch.bfloat16,
    "float16 weights": torch.float16,
}


class Way(NamedTuple):
    """A way to pass crops through the network."""

    weights: str
    batch: int
    compiled: bool = False

    def __str__(self) -> str:
        return f"{self.weights}, batches of {self.batch}{', compiled' if self.compiled else ''}"


def measured(root: Path) -> list[Result]:
    """A row for every way that works here, against the first one."""
    works = {str(way): work for way in _ways() if (work := _working(way))}
    costs = alternate(works, ROUNDS)
    first, size = next(iter(works)), f"{CROPS} crops of {SIZE} px, {NETWORK}"
    return [
        Row("bare forward", f"{size}, {way}", costs[way], costs[first], first, CROPS, "crops")
        for way in works
    ]


def _ways() -> Iterator[Way]:
    for weights in WEIGHTS:
        yield from (Way(weights, batch) for batch in BATCHES)
    yield from (Way("bfloat16 weights", batch, compiled=True) for batch in COMPILED)


def _working(way: Way) -> Work | None:
    """Its work; None if a first pass fails, as compiling may, which then costs only its row."""
    try:
        work = finished(_passes(way))
        work()
        return work
    except Exception as error:
        print(f"{way}: not measured: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
        return None


def _passes(way: Way) -> Work:
    """Pass all crops through the network, a batch at a time."""
    net = DenseBackbone(Backbone(model=NETWORK, args=ARGS), untrained=True).net.to(
        device(), WEIGHTS[way.weights]
    )
    pixels = torch.randn(way.batch, 3, SIZE, SIZE, device=device(), dtype=WEIGHTS[way.weights])
    run = torch.compile(_forward, dynamic=False) if way.compiled else _forward

    @torch.inference_mode()
    def work() -> None:
        with torch.autocast(device().type, torch.bfloat16, enabled=way.weights == AUTOCAST):
            for _ in range(0, CROPS, way.batch):
                run(net, pixels)

    return work


def _forward(net: Any, pixels: Tensor) -> Tensor:
    """Dense features of the last block, as the stage takes them."""
    features = net.forward_intermediates(
        pixels, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
    )
    return features[-1]
