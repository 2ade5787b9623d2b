"""The features stage, compared with the bare forward pass of the backbone."""

import shutil
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.measure import Row, Target, alternate, disk_mb
from benchmarks.vit import backbone_file, forward_of, photographs
from depthg.stages import features, pipeline
from depthg.store.arrays import Array
from depthg.store.writer import Writer

# A CPU is as fast with a few crops at a time; a GPU has to be filled.
CROPS, BATCH = (512, pipeline.BATCH) if torch.cuda.is_available() else (24, 4)


def measured(root: Path) -> list[Row]:
    """One row: the stage over crops in a store, against the forward pass of as many crops in memory."""
    images = photographs(CROPS)
    writer = Writer(root / "crops.zarr", CROPS, {"images": Array(images.shape[1:], "uint8")}, {})
    writer.write(range(CROPS), images=images)
    writer.finish()
    spec, spent = backbone_file(root / "vit.safetensors"), list[float]()

    def ours() -> float:
        shutil.rmtree(root / "features.zarr", ignore_errors=True)
        with patch.object(pipeline, "BATCH", BATCH), patch.object(features, "write_rows", _timed(spent)):
            features.make_features(root / "crops.zarr", root / "features.zarr", "vit", spec)
        return spent[-1]

    forward = forward_of(BATCH)

    def reference() -> None:
        for _ in range(0, CROPS, BATCH):
            forward()

    costs = alternate({"ours": ours, "reference": reference}, rounds=3)
    row = Row(
        "features",
        f"{CROPS} crops of 224 px, ViT-S/8",
        costs["ours"],
        costs["reference"],
        "the backbone alone, on crops in memory",
        CROPS,
        "crops",
        Target("ratio", 0.9),
        disk_mb(root / "features.zarr"),
        "without what happens once: loading and hashing the weights, a crop to learn the shape",
    )
    return [row]


def _timed(spent: list[float]) -> Callable[..., Any]:
    """Wrap `features.write_rows`, the stage without its start-up; every call records its seconds."""
    write_rows = features.write_rows

    def timed(*arguments: Any, **named: Any) -> Any:
        start = perf_counter()
        found = write_rows(*arguments, **named)
        spent.append(perf_counter() - start)
        return found

    return timed
