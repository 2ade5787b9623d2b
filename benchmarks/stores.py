"""Synthetic stores for the benchmarks: random tokens and smooth depth, in the shapes of the paper's ViT-S/8."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from depthg.config.settings import GeometrySettings, NeighborSettings
from depthg.stages.features import feature_arrays
from depthg.stages.geometry import make_geometry
from depthg.stages.neighbors import neighbor_arrays
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

CROPS = 320
CROPS_AN_IMAGE = 5
GRID = (28, 28)
CHANNELS = 384
PATCH = 8  # pixels
KEPT = 30  # neighbours of a crop
WRITTEN = 32  # crops at a time


class Stores:
    """Paths of one set of stores.

    Args:
        root: the folder that they are in.
    """

    def __init__(self, root: Path):
        self.root = root
        self.features, self.neighbors = root / "features.zarr", root / "neighbors.zarr"
        self.depth, self.geometry = root / "depth.zarr", root / "geometry.zarr"


def write_stores(
    root: Path,
    crops: int = CROPS,
    grid: tuple[int, int] = GRID,
    channels: int = CHANNELS,
    patch: int = PATCH,
) -> Stores:
    """Write features, neighbours, depth (`patch` pixels per token) and geometry of a number of crops."""
    root.mkdir(parents=True, exist_ok=True)
    stores, rng = Stores(root), np.random.default_rng(0)
    writer = Writer(stores.features, crops, feature_arrays((*grid, channels), "float16"), {"crops": "random"})
    for rows in writer.pending(WRITTEN):
        tokens = rng.standard_normal((len(rows), *grid, channels), np.float32)
        writer.write(rows, tokens=tokens, pooled=unit_vectors(len(rows), channels, rng))
    writer.finish()
    _write_neighbors(stores, crops)
    write_depth(stores.depth, crops, (patch * grid[0], patch * grid[1]))
    length = min(GeometrySettings().order_length, grid[0] * grid[1])
    make_geometry(stores.depth, stores.features, stores.geometry, GeometrySettings(order_length=length))
    return stores


def write_depth(path: Path, crops: int, size: tuple[int, int]) -> None:
    """Smooth depth of crops of a size in pixels."""
    writer = Writer(path, crops, {"depth": Array(size, "float16")}, {"crops": "random"})
    writer.write(range(crops), depth=depth_maps(crops, size).numpy())
    writer.finish()


def depth_maps(crops: int, size: tuple[int, int]) -> torch.Tensor:
    """Smooth depth in [0, 1], float32 [crops, H, W]."""
    coarse = torch.rand(crops, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    return interpolate(coarse, size, mode="bicubic", align_corners=True)[:, 0].clamp(0, 1)


def unit_vectors(count: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Random unit vectors, float32 [count, channels]."""
    vectors = rng.standard_normal((count, channels), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _write_neighbors(stores: Stores, crops: int) -> None:
    """Neighbours for reading: the next crops in place of the nearest ones, which cost the same to read."""
    keep = min(KEPT, crops - 1)
    provenance = {"features": Store(stores.features).fingerprint}
    writer = Writer(stores.neighbors, crops, neighbor_arrays(NeighborSettings(keep=keep)), provenance)
    rows = np.arange(crops)
    ids = (rows[:, None] + np.arange(1, keep + 1)) % crops
    writer.write(range(crops), ids=ids, similarities=np.ones_like(ids), image=rows // CROPS_AN_IMAGE)
    writer.finish()
