"""Farthest-point sampling of a batch of crops, and the whole geometry stage."""

import shutil
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import Row, Target, alternate, disk_mb
from benchmarks.stores import GRID, PATCH, Stores, depth_maps, write_stores
from benchmarks.straightforward import farthest_points, neighbor_weights
from depthg.config.settings import GeometrySettings
from depthg.stages.camera import CAMERAS
from depthg.stages.geometry import farthest_point_order, make_geometry, pool_depth
from depthg.store.reader import Store

CROPS = 64
SETTINGS = GeometrySettings()
CAMERA = CAMERAS[SETTINGS.camera]


def measured(root: Path) -> list[Row]:
    """Rows for both."""
    return [_order(), _stage(write_stores(root, CROPS, channels=8))]


def clouds(crops: int, grid: tuple[int, int] = GRID) -> torch.Tensor:
    """Points float32 [crops, P, 3] of smooth depth."""
    return CAMERA.unproject(depth_maps(crops, grid), SETTINGS)


def _order() -> Row:
    points, n = clouds(CROPS), SETTINGS.order_length
    start = CAMERA.start(points)
    works = {
        "ours": lambda: farthest_point_order(points, n, start),
        "reference": lambda: _one_by_one(points, n, start),
    }
    costs = alternate(works)
    return Row(
        "farthest points",
        f"{CROPS} crops, {n} of 784 points",
        costs["ours"],
        costs["reference"],
        "a NumPy loop over crops and points",
        CROPS,
        "crops",
        Target("ratio", 10),
    )


def _one_by_one(points: torch.Tensor, n: int, start: torch.Tensor) -> np.ndarray:
    pairs = zip(points.numpy(), start[:, 0].tolist(), strict=True)
    return np.stack([farthest_points(cloud, n, first) for cloud, first in pairs])


def _stage(stores: Stores) -> Row:
    works = {"ours": lambda: geometry(stores), "reference": lambda: _stage_one_by_one(stores)}
    costs = alternate(works)
    return Row(
        "geometry",
        f"{CROPS} crops of {GRID[0] * PATCH} px: depth to store, order and 3-D neighbours",
        costs["ours"],
        costs["reference"],
        "the loop, and the neighbours from all [784, 784] distances; nothing is written",
        CROPS,
        "crops",
        disk_mb=disk_mb(stores.geometry),
    )


def geometry(stores: Stores) -> None:
    """Run the whole stage."""
    shutil.rmtree(stores.geometry)
    make_geometry(stores.depth, stores.features, stores.geometry, SETTINGS)


def _stage_one_by_one(stores: Stores) -> None:
    depth = pool_depth(torch.from_numpy(Store(stores.depth).read("depth")).float(), GRID)
    points = CAMERA.unproject(depth, SETTINGS)
    _one_by_one(points, SETTINGS.order_length, CAMERA.start(points))
    for cloud in points:
        neighbor_weights(cloud, SETTINGS.lhp_neighbors)
