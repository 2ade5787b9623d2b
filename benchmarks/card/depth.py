"""The depth stage on the card: from a store of crops to one of depth, against the networks alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.card.device import busy, finished, share
from benchmarks.card.networks import Design, published, tiny, untrained
from benchmarks.free_backbone import Sizes, timed, write_crops
from benchmarks.machine import on_card
from benchmarks.measure import Result, Row, Target, Work, alternate
from benchmarks.places import fastest
from benchmarks.vit import SIDE
from depthg.data.records import ImageRecord
from depthg.runtime.device import device
from depthg.stages.depth.source import CropBatch
from depthg.stages.depth.stage import depth_arrays, write_depth
from depthg.stages.depth.transformers import Transformers, answered
from depthg.store.reader import Store

CROPS, SIZE, ROUNDS = (256, SIDE, 2) if on_card() else (10, 32, 1)
AGAINST = "the network alone, on prepared pixels that the card holds"


def measured(root: Path) -> list[Result]:
    """Two rows a network: the stage against the network, and the card's share of the stage."""
    sizes = Sizes(CROPS, SIZE, depth_arrays(SIZE), ROUNDS)
    with fastest(root, sizes.room) as (folder, where):
        write_crops(folder / "crops.zarr", sizes)
        designs = published() if on_card() else tiny()
        return [row for name in designs for row in _rows(name, designs[name], folder, where, sizes)]


def _rows(name: str, design: Design, folder: Path, where: str, sizes: Sizes) -> list[Result]:
    network, store = untrained(design), Store(folder / "crops.zarr")
    image = ImageRecord(0, "made up", "", SIZE, SIZE)

    def crops_of(rows: range) -> CropBatch:
        return CropBatch(store, rows, [image] * len(rows))

    network.adapt(crops_of(range(network.unit)), None)
    write = partial(write_depth, model=network, crops_of=crops_of, label="depth")
    stage = finished(lambda: timed(folder / "depth.zarr", sizes, write))
    costs = alternate({"stage": stage, "alone": finished(_alone(network, crops_of))}, ROUNDS)
    size = f"{CROPS} crops of {SIZE} px, {network.precision}, batches of {network.batch}, {where}"
    row = Row(
        f"depth: {name}", size, costs["stage"], costs["alone"], AGAINST, CROPS, "crops", Target("ratio", 0.9)
    )
    return [row] if (seen := busy(stage)) is None else [row, share(row, seen.seconds)]


def _alone(network: Transformers, crops_of: Callable[[range], CropBatch]) -> Work:
    """The forward pass of as many crops, in the stage's precision and batches."""
    images = torch.from_numpy(crops_of(range(min(network.batch, CROPS))).images).to(device())
    pixels = network.processor(images=list(images), return_tensors="pt")["pixel_values"]
    half = network.precision == "float16"

    @torch.inference_mode()
    def work() -> None:
        with torch.autocast(device().type, torch.float16, enabled=half):
            for _ in range(0, CROPS, network.batch):
                answered(network.model, pixels, network.mirrored, together=on_card())

    return work
