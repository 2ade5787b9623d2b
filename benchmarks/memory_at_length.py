"""Is the memory of the stages bounded? Runs them on a synthetic store as long as COCO's, with small rows.

    python benchmarks/memory_at_length.py [--rows 488510] [--out memory.json]      (Linux)

Each stage runs in a process of its own. Prints a Markdown table: seconds, peak resident memory, that of the bare
imports, and the files of the store it wrote. The neighbours may hold the matrix of pooled vectors; nothing else
may grow with the rows but a few bytes each.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from depthg.config.sections import Stored
from depthg.config.settings import GeometrySettings, NeighborSettings, ScheduleSettings, TrainSettings
from depthg.errors import DepthGError
from depthg.evaluation.clustering import fit_centroids, sample_codes
from depthg.evaluation.codes import CodeReader
from depthg.stages import neighbors
from depthg.stages.features import feature_arrays
from depthg.stages.geometry import make_geometry
from depthg.stages.schedule import scheduled_crops
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore, packed
from depthg.store.writer import Writer
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs

ROWS = 488_510  # five crops of each of COCO-Stuff's 97,702 training images
CROPS_AN_IMAGE = 5
CHANNELS = 8
WRITE, READ, BATCHES = 4096, 64, 50
CODES = 20_000  # tokens that k-means is fitted on
SEARCHED, KEPT = 4, 30  # batches of 4096 whose neighbours are looked for; neighbours of a crop
TRAINING = TrainSettings(samples=1, depth_pairs="sibling")  # siblings are looked up among all rows


def write_crops(root: Path, rows: int) -> None:
    """Image id of every crop, as in a crop store."""
    writer = Writer(root / "crops.zarr", rows, {"image": Array((), "int32", compress=False)}, {})
    for some in writer.pending(WRITE):
        writer.write(some, image=np.array(some) // CROPS_AN_IMAGE)
    writer.finish()


def write_features(root: Path, rows: int, stored: Stored = "float16") -> None:
    """Tokens [M, 1, 1, 8] and their unit vectors."""
    provenance = {"crops": Store(root / "crops.zarr").fingerprint}
    writer = Writer(
        root / f"features_{stored}.zarr", rows, feature_arrays((1, 1, CHANNELS), stored), provenance
    )
    for some in writer.pending(WRITE):
        values = np.random.default_rng(some.start).normal(size=(len(some), CHANNELS)).astype(np.float32)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        kept = packed(torch.from_numpy(values)[:, None, None], stored)
        writer.write(some, pooled=values, **{name: value.numpy() for name, value in kept.items()})
    writer.finish()


def write_int8(root: Path, rows: int) -> None:
    """The same features stored as int8."""
    write_features(root, rows, "int8")


def find_neighbors(root: Path, rows: int) -> None:
    """The neighbours stage on its first batches; every batch needs the same memory."""
    whole, out = Writer.pending, root / "neighbors.zarr"
    Writer.pending = lambda *told: islice(whole(*told), SEARCHED)  # type: ignore[method-assign]
    with suppress(DepthGError):  # not all rows are written
        neighbors.make_neighbors(
            root / "features_float16.zarr", root / "crops.zarr", out, NeighborSettings(keep=KEPT)
        )
    Writer.pending = whole  # type: ignore[method-assign]
    _go_on(out, rows)


def _go_on(out: Path, rows: int) -> None:
    """Complete a neighbour store, with the next crops in place of the nearest ones, as a resumed run would."""
    provenance = json.loads((out / "fingerprint.json").read_text())["made_from"]
    writer = Writer(out, rows, neighbors.neighbor_arrays(NeighborSettings(keep=KEPT)), provenance)
    for some in writer.pending(WRITE):
        crops = np.array(some)
        ids = (crops[:, None] + np.arange(1, KEPT + 1)) % rows
        writer.write(some, ids=ids, similarities=np.ones_like(ids), image=crops // CROPS_AN_IMAGE)
    writer.finish()


def schedule(root: Path, rows: int) -> None:
    """Determine the crops that a training of 2,334 batches draws."""
    scheduled_crops(Store(root / "neighbors.zarr"), ScheduleSettings(seeds=[0]))


def make_points(root: Path, rows: int) -> None:
    """Depth of every crop, and the geometry of its only token."""
    provenance = {"crops": Store(root / "crops.zarr").fingerprint}
    writer = Writer(root / "depth.zarr", rows, {"depth": Array((2, 2), "float16")}, provenance)
    for some in writer.pending(WRITE):
        writer.write(some, depth=np.random.default_rng(some.start).random((len(some), 2, 2)))
    writer.finish()
    make_geometry(
        root / "depth.zarr",
        root / "features_float16.zarr",
        root / "geometry.zarr",
        GeometrySettings(order_length=1, lhp_neighbors=1),
    )


def cluster(root: Path, rows: int) -> None:
    """Fit k-means to tokens of random crops."""
    reader = CodeReader(TokenStore(root / "features_float16.zarr"), lambda tokens: tokens)
    fit_centroids(sample_codes(reader, CODES, seed=0), clusters=27, restarts=1, seed=0)


def read_in_order(root: Path, rows: int) -> None:
    """Read all tokens batch by batch, in both storage types."""
    for stored in ("float16", "int8"):
        for _ in TokenStore(root / f"features_{stored}.zarr").batches("tokens", WRITE):
            pass


def read_at_random(root: Path, rows: int) -> None:
    """Read batches of random crops."""
    for stored in ("float16", "int8"):
        store, rng = TokenStore(root / f"features_{stored}.zarr"), np.random.default_rng(0)
        for _ in range(BATCHES):
            store.read("tokens", rng.integers(rows, size=READ))


def draw_batches(root: Path, rows: int) -> None:
    """Open the stores and make training batches."""
    inputs = open_inputs(root / "features_int8.zarr", _renamed(root), TRAINING)
    batches = Batches(inputs, TRAINING, seed=0)
    for step in range(BATCHES):
        batches(step)
        batches.draws.siblings_of(int(batches.draws.anchors(step)[0]))


def _renamed(root: Path) -> Path:
    """Change the provenance of the neighbour store to the int8 features, whose neighbours are the same."""
    record = root / "neighbors.zarr/fingerprint.json"
    content = json.loads(record.read_text())
    content["made_from"]["features"] = Store(root / "features_int8.zarr").fingerprint
    record.write_text(json.dumps(content))
    return root / "neighbors.zarr"


STAGES: dict[str, tuple[Callable[[Path, int], None], str]] = {  # what it runs, and the store it writes
    "write crops": (write_crops, "crops"),
    "write features": (write_features, "features_float16"),
    "write features, int8": (write_int8, "features_int8"),
    "neighbours": (find_neighbors, "neighbors"),
    "geometry": (make_points, "geometry"),
    "scheduled": (schedule, ""),
    "cluster": (cluster, ""),
    f"draw {BATCHES} batches": (draw_batches, ""),
    "read in order": (read_in_order, ""),
    f"read {BATCHES} × {READ} at random": (read_at_random, ""),
}


def measure(name: str, root: Path, rows: int, results: Any) -> None:
    """Run one stage and send its memory."""
    work, store = STAGES[name]
    before, start = _memory("VmRSS"), time.perf_counter()
    work(root, rows)
    seconds, files = time.perf_counter() - start, 0
    if store:
        files = sum(len(found) for _, _, found in os.walk(root / f"{store}.zarr"))
    peak = _memory("VmHWM")
    results.put({"stage": name, "seconds": seconds, "peak_mb": peak, "imports_mb": before, "files": files})


def _memory(which: str) -> float:
    """Resident memory of this process in MB, as reported by Linux: VmRSS (current) or VmHWM (peak)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024 / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"crops (default {ROWS:,})")
    parser.add_argument("--out", type=Path, help="JSON to write")
    arguments = parser.parse_args()
    context, found = get_context("spawn"), []
    with tempfile.TemporaryDirectory() as folder:
        for name in STAGES:
            results = context.Queue()
            process = context.Process(target=measure, args=(name, Path(folder), arguments.rows, results))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(f"error: {name} failed")
            found.append(results.get())
    print(
        f"{arguments.rows:,} crops\n\n| stage | seconds | peak MB | imports MB | files |\n|---|---|---|---|---|"
    )
    for row in found:
        figures = f"{row['seconds']:.1f} | {row['peak_mb']:.0f} | {row['imports_mb']:.0f} | {row['files']}"
        print(f"| {row['stage']} | {figures} |")
    if arguments.out:
        arguments.out.write_text(json.dumps({"rows": arguments.rows, "stages": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
