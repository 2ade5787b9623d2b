"""The features stage with a backbone that costs nothing: what reading crops and writing tokens leave of it."""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from benchmarks.measure import Cost, Result, Row, Target, Work, alternate, cores
from benchmarks.places import fastest
from benchmarks.stores import CHANNELS, GRID, depth_maps
from depthg.stages.features import BATCH, feature_arrays, write_rows
from depthg.store.arrays import Array, row_bytes
from depthg.store.reader import Store
from depthg.store.writer import Writer

SHAPE = (*GRID, CHANNELS)
CROPS, SIDE = 512, 224
ROUNDS = 5
DECODING, WRITING = "decoding crops on all cores", "writing tokens"


def measured(root: Path) -> list[Result]:
    """One row: the stage against the slower of its parts alone."""
    with fastest(root, 3 * CROPS * row_bytes(feature_arrays(SHAPE, "float16"))) as (folder, where):
        write_crops(folder / "crops.zarr")
        costs = alternate(_works(folder), ROUNDS)
    slower = max((DECODING, WRITING), key=lambda part: costs[part].seconds)
    row = Row(
        "features, a backbone that costs nothing",
        f"{CROPS} crops of {SIDE} px, {'×'.join(map(str, SHAPE))} float16, {where}",
        costs["stage"],
        _slower(costs),
        f"the slower of its parts alone: {slower}",
        CROPS,
        "crops",
        Target("ratio", 0.7),
    )
    return [row, *(_part(costs, part, where) for part in (DECODING, WRITING))]


def write_crops(path: Path) -> None:
    """Crops with what a photograph has for the compressor: smooth colours, and noise of a few levels."""
    writer = Writer(path, CROPS, {"images": Array((SIDE, SIDE, 3), "uint8")}, {})
    rng = np.random.default_rng(0)
    for rows in writer.pending(64):
        smooth = (
            depth_maps(3 * len(rows), (SIDE, SIDE)).unflatten(0, (len(rows), 3)).permute(0, 2, 3, 1).numpy()
        )
        noise = rng.integers(0, 8, smooth.shape, dtype=np.uint8)
        writer.write(rows, images=(248 * smooth).astype(np.uint8) + noise)
    writer.finish()


def _works(root: Path) -> dict[str, Work]:
    source = Store(root / "crops.zarr")
    values = {"tokens": torch.randn(BATCH, *SHAPE).half(), "pooled": torch.randn(BATCH, CHANNELS)}

    def compute(rows: range, images: np.ndarray) -> dict[str, Tensor]:
        return {name: value[: len(rows)] for name, value in values.items()}

    def stage(writer: Writer) -> None:
        write_rows(writer, partial(source.read, "images"), compute, "features")

    def writing(writer: Writer) -> None:
        for rows in writer.pending(BATCH):
            writer.write(rows, **{name: value[: len(rows)].numpy() for name, value in values.items()})
        writer.finish()

    out = root / "features.zarr"
    return {
        "stage": lambda: _timed(out, stage),
        DECODING: lambda: _decode(source),
        WRITING: lambda: _timed(out, writing),
    }


def _decode(source: Store) -> None:
    """Read all crops, a batch a task, by as many threads as there are cores."""
    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(
            lambda start: source.read("images", slice(start, start + BATCH)), range(0, CROPS, BATCH)
        ):
            pass


def _timed(out: Path, write: Callable[[Writer], None]) -> float:
    """The seconds from an opened writer to the finished store."""
    shutil.rmtree(out, ignore_errors=True)
    writer = Writer(out, CROPS, feature_arrays(SHAPE, "float16"), {})
    start = perf_counter()
    write(writer)
    return perf_counter() - start


def _slower(costs: Mapping[str, Cost]) -> Cost:
    """Round by round the slower of both parts."""
    pairs = zip(costs[DECODING].times, costs[WRITING].times, strict=True)
    return Cost(tuple(max(pair) for pair in pairs))


def _part(costs: Mapping[str, Cost], part: str, where: str) -> Row:
    return Row(f"features: {part}", f"{CROPS} crops, {where}", costs[part], items=CROPS, item="crops")
