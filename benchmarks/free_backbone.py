"""The features stage with a backbone that costs nothing, against the slower of reading crops and writing tokens."""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from benchmarks.measure import ROUNDS, Cost, Result, Row, Target, Work, alternate, cores
from benchmarks.places import fastest
from benchmarks.stores import CHANNELS, GRID, depth_maps
from benchmarks.vit import SIDE
from depthg.runtime.prefetch import overlap
from depthg.stages.features import feature_arrays
from depthg.stages.pipeline import BATCH, write_rows
from depthg.store.arrays import Array, row_bytes
from depthg.store.reader import Store
from depthg.store.writer import Writer

PARTS = DECODING, WRITING = "decoding crops on all cores", "writing tokens"


@dataclass(frozen=True)
class Sizes:
    """What is measured.

    Attributes:
        crops: how many.
        side: of a crop, in pixels.
        arrays: of the store that is written.
        rounds: of the measurement.
    """

    crops: int = 512
    side: int = SIDE
    arrays: Mapping[str, Array] = field(default_factory=lambda: feature_arrays((*GRID, CHANNELS), "float16"))
    rounds: int = ROUNDS

    @property
    def room(self) -> int:
        """Bytes for the crops and the store, and some more."""
        return self.crops * (3 * self.side**2 + 2 * row_bytes(self.arrays))


def measured(root: Path, sizes: Sizes = Sizes()) -> list[Result]:
    """One row for the stage against the slower of its parts alone, and one for each of these."""
    with fastest(root, sizes.room) as (folder, where):
        write_crops(folder / "crops.zarr", sizes)
        costs = alternate(_works(folder, sizes), sizes.rounds)
    shape = "×".join(map(str, sizes.arrays["tokens"].shape))
    size = f"{sizes.crops} crops of {sizes.side} px, {shape} float16, {where}"
    slower = max(PARTS, key=lambda part: costs[part].seconds)
    row = Row(
        "features, a backbone that costs nothing",
        size,
        costs["stage"],
        _slower(costs),
        f"the slower of its parts alone: {slower}",
        sizes.crops,
        "crops",
        Target("ratio", 0.7),
    )
    parts = [Row(f"features: {part}", size, costs[part], None, "", sizes.crops, "crops") for part in PARTS]
    return [row, *parts]


def write_crops(path: Path, sizes: Sizes) -> None:
    """Crops with what a photograph has for the compressor: smooth colours, and noise of a few levels."""
    side = sizes.side
    writer = Writer(path, sizes.crops, {"images": Array((side, side, 3), "uint8")}, {})
    rng = np.random.default_rng(0)
    for rows in writer.pending(64):
        colours = depth_maps(3 * len(rows), (side, side)).unflatten(0, (len(rows), 3))
        smooth = (248 * colours).byte().permute(0, 2, 3, 1).numpy()
        writer.write(rows, images=smooth + rng.integers(0, 8, smooth.shape, dtype=np.uint8))
    writer.finish()


def _works(root: Path, sizes: Sizes) -> dict[str, Work]:
    source = Store(root / "crops.zarr")
    values = {
        name: torch.randn(BATCH, *array.shape).to(getattr(torch, array.dtype))
        for name, array in sizes.arrays.items()
    }

    def compute(rows: range, images: Tensor | None) -> dict[str, Tensor]:
        return {name: value[: len(rows)] for name, value in values.items()}

    def stage(writer: Writer) -> None:
        write_rows(writer, partial(source.read, "images"), compute, "features")

    def writing(writer: Writer) -> None:
        shards = writer.together(BATCH)
        overlap(
            writer.pending(BATCH, shards),
            read=lambda rows: None,
            compute=compute,
            write=lambda rows, values: writer.write(rows, **{name: v.numpy() for name, v in values.items()}),
            writers=shards,
            file=writer.shard,
        )
        writer.finish()

    out = root / "features.zarr"
    return {
        "stage": lambda: timed(out, sizes, stage),
        DECODING: lambda: _decode(source),
        WRITING: lambda: timed(out, sizes, writing),
    }


def _decode(source: Store) -> None:
    """Read all crops, a batch a task, by as many threads as there are cores."""
    batches = [slice(start, start + BATCH) for start in range(0, len(source), BATCH)]
    with ThreadPoolExecutor(cores()) as pool:
        for future in [pool.submit(source.read, "images", batch) for batch in batches]:
            future.result()


def timed(out: Path, sizes: Sizes, write: Callable[[Writer], None]) -> float:
    """The seconds from an opened writer to the finished store."""
    shutil.rmtree(out, ignore_errors=True)
    writer = Writer(out, sizes.crops, sizes.arrays, {})
    start = perf_counter()
    write(writer)
    return perf_counter() - start


def _slower(costs: Mapping[str, Cost]) -> Cost:
    """Round by round the slower of both parts."""
    pairs = zip(costs[DECODING].times, costs[WRITING].times, strict=True)
    return Cost(tuple(max(pair) for pair in pairs))
