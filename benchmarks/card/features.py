"""The features stage on the card: against the bare forward pass, and how much of its time the card computes."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import free_backbone
from benchmarks.card import forward
from benchmarks.card.device import busy, finished, share
from benchmarks.free_backbone import Sizes, timed, write_crops
from benchmarks.machine import on_card
from benchmarks.measure import Result, Row, Target, Work, alternate
from benchmarks.places import fastest
from benchmarks.vit import ARGS, photographs
from depthg.config.sections import Backbone
from depthg.models.backbones import DenseBackbone
from depthg.models.precision import choose_precision
from depthg.runtime.device import device
from depthg.stages import features
from depthg.stages.pipeline import fitting_batch, write_rows
from depthg.store.reader import Store
from depthg.store.tokens import packed
from depthg.store.writer import Writer

CROPS, ROUNDS = (4096, 3) if on_card() else (4, 1)
AGAINST = "the backbone's bare forward on crops that the card holds"


def measured(root: Path) -> list[Result]:
    """Rows for the stage and the card's share of it, then for the stage without a backbone on this machine."""
    backbone = DenseBackbone(Backbone(model=forward.NETWORK, args=ARGS), untrained=True).to(device())
    images = torch.from_numpy(photographs(2, forward.SIZE)).to(device())
    backbone.in_precision(choose_precision(device()))
    shape = tuple(features.dense_features(backbone, images).shape[1:])
    sizes = Sizes(CROPS, forward.SIZE, features.feature_arrays(shape, "float16"), ROUNDS)
    with fastest(root, sizes.room) as (folder, where):
        write_crops(folder / "crops.zarr", sizes)
        rows = _rows(backbone, folder, where, sizes)
    return [*rows, *free_backbone.measured(root, sizes)]


def _rows(backbone: DenseBackbone, folder: Path, where: str, sizes: Sizes) -> list[Result]:
    read = partial(Store(folder / "crops.zarr").read, "images")

    def compute(rows: range, images: Tensor) -> dict[str, Tensor]:
        tokens = features.dense_features(backbone, images)
        return {**packed(tokens, "float16"), "pooled": features.pool_tokens(tokens)}

    batch = fitting_batch(read, compute)

    def write(writer: Writer) -> None:
        write_rows(writer, read, compute, "features", batch)

    stage = finished(lambda: timed(folder / "features.zarr", sizes, write))
    bare = finished(_bare(backbone, batch))
    costs, seen = alternate({"stage": stage, "bare": bare}, ROUNDS), busy(stage)
    size = f"{CROPS} crops of {sizes.side} px, {forward.NETWORK}, batches of {batch}, {where}"
    row = Row("features", size, costs["stage"], costs["bare"], AGAINST, CROPS, "crops", Target("ratio", 0.8))
    return [row] if seen is None else [row, share(row, seen.seconds)]


def _bare(backbone: DenseBackbone, batch: int) -> Work:
    """The forward pass of as many crops, in the stage's precision and batches; nothing is copied."""
    images = torch.from_numpy(photographs(batch, forward.SIZE)).to(device())

    @torch.inference_mode()
    def work() -> None:
        for _ in range(0, CROPS, batch):
            backbone(images)

    return work
