"""The features stage with a backbone that costs nothing: what reading crops and writing tokens leave of it."""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
        shape: of the tokens of a crop.
        rounds: of the measurement.
    """

    crops: int = 512
    side: int = SIDE
    shape: tuple[int, ...] = (*GRID, CHANNELS)
    rounds: int = ROUNDS

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of the feature store."""
        return feature_arrays(self.shape, "float16")

    @property
    def room(self) -> int:
        """Of the crops and the tokens, and some more."""
        return 2 * self.crops * row_bytes(self.arrays)


def measured(root: Path, sizes: Sizes = Sizes()) -> list[Result]:
    """One row for the stage against the slower of its parts alone, and one for each of these."""
    with fastest(root, sizes.room) as (folder, where):
        write_crops(folder / "crops.zarr", sizes)
        costs = alternate(_works(folder, sizes), sizes.rounds)
    size = f"{sizes.crops} crops of {sizes.side} px, {'×'.join(map(str, sizes.shape))} float16, {where}"
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
        "tokens": torch.randn(BATCH, *sizes.shape).half(),
        "pooled": torch.randn(BATCH, sizes.shape[-1]),
    }

    def compute(rows: range, images: Tensor) -> dict[str, Tensor]:
        return {name: value[: len(rows)] for name, value in values.items()}

    def stage(writer: Writer) -> None:
        write_rows(writer, partial(source.read, "images"), compute, "features")

    def writing(writer: Writer) -> None:
        for rows in writer.pending(BATCH):
            writer.write(rows, **{name: value[: len(rows)].numpy() for name, value in values.items()})
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
