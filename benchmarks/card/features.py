"""The features stage on the card: against the bare forward pass, and how much of its time the card computes."""

from functools import partial
from pathlib import Path

import numpy as np
import torch

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
from depthg.runtime.device import device, mixed_precision
from depthg.stages import features
from depthg.store.reader import Store
from depthg.store.tokens import packed
from depthg.store.writer import Writer

CROPS, ROUNDS = (1024, 3) if on_card() else (4, 1)
AGAINST = "the backbone's bare forward on crops that the card holds"


def measured(root: Path) -> list[Result]:
    """Rows for the stage and the card's share of it, then for the stage without a backbone on this machine."""
    backbone = DenseBackbone(Backbone(model=forward.NETWORK, args=ARGS), untrained=True).to(device())
    shape = tuple(features.dense_features(backbone, photographs(1, forward.SIZE)).shape[1:])
    sizes = Sizes(CROPS, forward.SIZE, shape, ROUNDS)
    with fastest(root, sizes.room) as (folder, where):
        write_crops(folder / "crops.zarr", sizes)
        rows = _rows(backbone, folder, where, sizes)
    return [*rows, *free_backbone.measured(root, sizes)]


def _rows(backbone: DenseBackbone, folder: Path, where: str, sizes: Sizes) -> list[Result]:
    stage, bare = finished(_stage(backbone, folder, sizes)), finished(_bare(backbone))
    costs, seen = alternate({"stage": stage, "bare": bare}, ROUNDS), busy(stage)
    size = f"{CROPS} crops of {sizes.side} px, {forward.NETWORK}, batches of {features.BATCH}, {where}"
    row = Row("features", size, costs["stage"], costs["bare"], AGAINST, CROPS, "crops", Target("ratio", 0.9))
    return [row] if seen is None else [row, share(row, seen.seconds)]


def _stage(backbone: DenseBackbone, folder: Path, sizes: Sizes) -> Work:
    """The stage from the opened stores to the finished one."""
    read = partial(Store(folder / "crops.zarr").read, "images")

    def compute(rows: range, images: np.ndarray) -> dict[str, torch.Tensor]:
        tokens = features.dense_features(backbone, images)
        return {**packed(tokens, "float16"), "pooled": features.pool_tokens(tokens)}

    def stage(writer: Writer) -> None:
        features.write_rows(writer, read, compute, "features")

    return lambda: timed(folder / "features.zarr", sizes, stage)


def _bare(backbone: DenseBackbone) -> Work:
    """The forward pass of as many crops, in the stage's precision and batches; nothing is copied."""
    images = torch.from_numpy(photographs(features.BATCH, forward.SIZE)).to(device())

    @torch.inference_mode()
    def work() -> None:
        with mixed_precision():
            for _ in range(0, CROPS, features.BATCH):
                backbone(images)

    return work
