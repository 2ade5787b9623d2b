"""Writes tokens in batches through `Writer`: against the same bytes as plain files, and against Zarr's own shards."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec

from benchmarks.measure import Cost, Count, Result, Row, Target, Work, alternate
from benchmarks.places import in_memory
from benchmarks.stores import CHANNELS, GRID
from depthg.stages.features import feature_arrays
from depthg.store import arrays
from depthg.store.arrays import Array, shard_rows
from depthg.store.tokens import token_arrays
from depthg.store.writer import Writer

SHAPE = (*GRID, CHANNELS)
CROPS, BATCH = 512, 64
COCO = 488_510  # crops: five of each of COCO-Stuff's 97,702 training images
ROUNDS = 3
TARGET = Target("ratio", 0.7)
OURS, ZARR, PLAIN = "ours", "Zarr-python, a whole shard at a time", "plain files of 64 crops, by one thread"


def measured(root: Path) -> list[Result]:
    """Rows in memory and on disk, and the number of files of a large store."""
    results: list[Result] = _rows(root, "on disk")
    with in_memory(4 * CROPS * _tokens().row_bytes) as folder:
        if folder:
            results = [*_rows(folder, "in memory"), *results]
    return [*results, *counts()]


def counts() -> list[Result]:
    """Files of COCO-Stuff's feature store, worked out from its layout."""
    stored = feature_arrays(SHAPE, "float16")
    files = -(-COCO // shard_rows(COCO, stored))
    return [
        Count("features store", f"COCO-Stuff: {COCO:,} crops", f"files of {name}", files, 5000)
        for name in stored
    ]


def _rows(root: Path, where: str) -> list[Result]:
    batch = np.random.default_rng(0).standard_normal((BATCH, *SHAPE), np.float32).astype(np.float16)
    works = {
        OURS: partial(_ours, root, batch),
        PLAIN: partial(_plain, root, batch),
        ZARR: partial(_zarr, root, batch),
    }
    costs = alternate({name: _timed(root, begin) for name, begin in works.items()}, ROUNDS)
    return [_row(where, costs, PLAIN, TARGET), _row(where, costs, ZARR)]


def _row(where: str, costs: Mapping[str, Cost], against: str, target: Target | None = None) -> Row:
    return Row(
        "writing tokens",
        f"{CROPS} crops of {'×'.join(map(str, SHAPE))} float16, {where}",
        costs[OURS],
        costs[against],
        against,
        CROPS * _tokens().row_bytes / 1e6,
        "MB",
        target,
        note="not waiting for the disk: a system keeps in memory what is written, and so does plain writing",
    )


def _tokens() -> Array:
    return token_arrays(SHAPE, "float16")["tokens"]


def _timed(root: Path, begin: Callable[[], Work]) -> Work:
    """The seconds of writing alone: what the pass before left is removed, and stores are created, beforehand."""

    def work() -> float:
        for path in root.glob("written*"):
            shutil.rmtree(path)
        write = begin()
        start = perf_counter()
        write()
        return perf_counter() - start

    return work


def _ours(root: Path, batch: np.ndarray) -> Work:
    """Write all batches, into shards as large as those of a large store."""
    with patch.object(arrays, "SHARDS", 1):
        writer = Writer(root / "written.zarr", CROPS, token_arrays(SHAPE, "float16"), {})

    def write() -> None:
        for rows in writer.pending(BATCH):
            writer.write(rows, tokens=batch)
        writer.finish()

    return write


def _plain(root: Path, batch: np.ndarray) -> Work:
    folder = root / "written"
    folder.mkdir()
    return lambda: [(folder / str(start)).write_bytes(batch.data) for start in range(0, CROPS, BATCH)]


def _zarr(root: Path, batch: np.ndarray) -> Work:
    """The same layout by Zarr-python, which would read and write a shard anew for every batch in it."""
    in_shard = min(CROPS, shard_rows(COCO, token_arrays(SHAPE, "float16")))
    stored = zarr.create_array(
        root / "written.zarr",
        shape=(CROPS, *SHAPE),
        chunks=(1, *SHAPE),
        shards=(in_shard, *SHAPE),
        dtype="float16",
        compressors=[Crc32cCodec()],
    )
    whole = np.concatenate([batch] * -(-in_shard // BATCH))

    def write() -> None:
        for start in range(0, CROPS, in_shard):
            stored[start : start + in_shard] = whole[: CROPS - start]

    return write
