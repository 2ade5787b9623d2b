"""Depth → points → farthest-point order and 3-D neighbours of the tokens (Sec. 3.4 and 3.6).

Needs a depth store and the token grid of a feature store; makes `geometry.zarr`. It depends on the crops alone, so it
is computed once for all experiments, steps and numbers of samples.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn import functional

from depthg.config.settings import GeometrySettings
from depthg.errors import DepthGError
from depthg.runtime.progress import track
from depthg.stages.depth.controls import CONTROLS, VALUES
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

BATCH = 64  # crops


def pool_depth(depth: Tensor, grid: tuple[int, int]) -> Tensor:
    """Average depth over the area of each token (Eq. 4).

    Args:
        depth: float [B, H, W].
        grid: rows and columns of tokens (h, w).

    Returns:
        float [B, h, w].
    """
    return functional.adaptive_avg_pool2d(depth[:, None], grid)[:, 0]


def unproject(depth: Tensor, settings: GeometrySettings) -> Tensor:
    """Put every token at its place in front of a pinhole camera (Sec. 3.4).

    The distance is z = near + (1 − near)·d, so that d = 0 does not collapse into the camera. The optical
    axis passes through the middle of the grid, tokens are seen at their centres, and pixels are square.

    Args:
        depth: float [B, h, w] in [0, 1], far = 1.
        settings: `field_of_view`, horizontal, in degrees; `near`, z of the nearest token.

    Returns:
        float [B, h·w, 3], row-major: x to the right, y downwards, z away from the camera.
    """
    h, w = depth.shape[-2:]
    token = 2 * math.tan(math.radians(settings.field_of_view) / 2) / w  # side of a token at z = 1
    x = token * (torch.arange(w, dtype=depth.dtype, device=depth.device) + 0.5 - w / 2)
    y = token * (torch.arange(h, dtype=depth.dtype, device=depth.device) + 0.5 - h / 2)
    z = settings.near + (1 - settings.near) * depth
    return torch.stack([z * x, z * y[:, None], z], dim=-1).flatten(1, 2)


def unproject_parallel(depth: Tensor, settings: GeometrySettings) -> Tensor:
    """Keep every token at its place in the image, with its depth as z (parallel projection); see `unproject`.

    A pinhole makes a near token small, so farthest points crowd where it is far: in the sky. Seen in parallel,
    tokens are of one size, and a plane that faces the camera is sampled like the image.
    """
    points = unproject(torch.ones_like(depth), settings)
    points[..., 2] = settings.near + (1 - settings.near) * depth.flatten(1)
    return points


def unproject_released(depth: Tensor, settings: GeometrySettings) -> Tensor:
    """As released: degrees taken for radians, z = 5·d, and tokens seen at their corners; see `unproject`."""
    h, w = depth.shape[-2:]
    token = 2 * math.tan(settings.field_of_view / 2) / w
    x = token * (torch.arange(w, dtype=depth.dtype, device=depth.device) - w / 2)
    y = token * (torch.arange(h, dtype=depth.dtype, device=depth.device) - h / 2)
    z = 5 * depth
    return torch.stack([z * x, z * y[:, None], z], dim=-1).flatten(1, 2)


def central_token(points: Tensor) -> Tensor:
    """The token nearest to the centroid of points [B, P, 3], int64 [B, 1]: it depends on the scene alone."""
    return (points - points.mean(1, keepdim=True)).square().sum(-1).argmin(1, keepdim=True)


def first_token(points: Tensor) -> Tensor:
    """As released: token 0, int64 [B, 1]."""
    return torch.zeros(len(points), 1, dtype=torch.int64, device=points.device)


@dataclass(frozen=True)
class Camera:
    """How depth becomes points, and the token at which farthest-point sampling starts."""

    unproject: Callable[[Tensor, GeometrySettings], Tensor]
    start: Callable[[Tensor], Tensor]


# By name in `camera`, a key of `geometries`. To add one: its name in GeometrySettings, a line here, a test.
CAMERAS = {
    "pinhole": Camera(unproject, central_token),
    "parallel": Camera(unproject_parallel, central_token),
    "released": Camera(unproject_released, first_token),
}


def farthest_point_order(points: Tensor, n: int, start: Tensor) -> Tensor:
    """Order tokens so that each is the farthest from all before it (Sec. 3.4).

    Ties go to the lowest index. The first m of the order are the m-point sample, for any m ≤ n.

    Args:
        points: float [B, P, 3], on the CPU.
        n: length of the order, at most P.
        start: the first of the order, int64 [B, 1].

    Returns:
        int64 [B, n], without repetition even where points coincide.

    Example:
        >>> line = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [5, 0, 0], [9, 0, 0]]])
        >>> farthest_point_order(line, 3, torch.tensor([[0]]))
        tensor([[0, 3, 2]])
    """
    x, y, z = points.unbind(-1)  # one contiguous plane each: twice as fast as rows of three
    x, y, z = x.contiguous(), y.contiguous(), z.contiguous()
    last = start
    nearest = torch.full_like(x, torch.inf)
    shared = nearest.numpy()  # its argmax is ten times as fast as torch's
    order = torch.empty(len(points), n, dtype=torch.int64)
    for place in range(n):
        order[:, place] = last[:, 0]
        to_last = (x - x.gather(1, last)).square_()
        to_last += (y - y.gather(1, last)).square_()
        to_last += (z - z.gather(1, last)).square_()
        torch.minimum(nearest, to_last, out=nearest)
        nearest.scatter_(1, last, -1.0)  # below every distance: never chosen again
        last = torch.from_numpy(shared.argmax(1, keepdims=True))
    return order


def nearest_tokens(points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The nearest tokens of every token in space, and how much each counts (Sec. 3.6).

    The token itself comes first. A neighbour at distance r weighs exp(−r / r̄), normalised to sum 1, where r̄
    is the mean distance of the token's k − 1 others: free of scale, and uniform where all points coincide.

    Args:
        points: float [B, P, 3].
        k: neighbours of a token, itself included; at most P.

    Returns:
        Token indices int64 [B, P, k], nearest first, and weights float32 [B, P, k], rows summing to 1.
    """
    found = [_search(cloud, k) for cloud in points.cpu().numpy()]
    r = torch.from_numpy(np.stack([distances for distances, _ in found])).float()
    mean = r.sum(-1, keepdim=True) / max(k - 1, 1)
    weights = torch.softmax(-r / mean.clamp_min(torch.finfo(r.dtype).tiny), dim=-1)
    return torch.from_numpy(np.stack([ids for _, ids in found])), weights


def _search(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices [P, k] of the nearest among points [P, 3]."""
    distances, ids = cKDTree(points, balanced_tree=False).query(points, list(range(1, k + 1)))
    own = np.arange(len(points))[:, None]
    missing = ~(ids == own).any(axis=1)  # where more than k points coincide
    ids[missing, -1] = own[missing, 0]
    first = np.argsort(ids != own, axis=1, kind="stable")
    return distances, np.take_along_axis(ids, first, axis=1)


def make_geometry(depth: Path, features: Path, out: Path, settings: GeometrySettings) -> None:
    """Write the geometry store of a set of crops.

    Args:
        depth: store with `depth` float16 [M, H, W].
        features: store with `tokens` [M, h, w, C], of which only the grid is used.
        out: `depth` float16 [M, h, w], `order` uint16 [M, order_length], and for 3D-LHP `neighbors` uint16
            [M, h·w, k] and `weights` float16 [M, h·w, k].
        settings: camera and lengths.

    Raises:
        DepthGError: the stores differ in length, the grid has too few tokens, or depth is not finite.
    """
    maps, tokens = Store(depth), Store(features)
    grid = _checked_grid(maps, tokens, settings)
    origin = {"depth": maps.fingerprint, "features": tokens.fingerprint}
    provenance = {"settings": settings.model_dump(), **origin}
    writer = Writer(out, len(maps), geometry_arrays(grid, settings), provenance)
    total, done = math.ceil(len(maps) / BATCH), math.ceil(writer.done / BATCH)
    for rows in track(writer.pending(BATCH), total, "geometry", done):
        batch = torch.from_numpy(CONTROLS[settings.control](maps, rows)).float()
        if not batch.isfinite().all():
            raise DepthGError(f"{maps.path}: depth of rows {rows[0]}–{rows[-1]} is not finite: make it again")
        writer.write(rows, **_geometry(pool_depth(batch, grid), settings))
    writer.finish()


def geometry_arrays(grid: tuple[int, int], settings: GeometrySettings) -> dict[str, Array]:
    """The arrays of a store of geometry on a grid of tokens [h, w]; raw, as training draws rows at random."""
    size, k = grid[0] * grid[1], settings.lhp_neighbors
    return {
        "depth": Array(grid, "float16", compress=False),
        "order": Array((min(settings.order_length, size),), "uint16", compress=False),
        "neighbors": Array((size, k), "uint16", compress=False),
        "weights": Array((size, k), "float16", compress=False),
    }


def _geometry(depth: Tensor, settings: GeometrySettings) -> dict:
    """The arrays of the store for depth [B, h, w]."""
    depth, camera = VALUES[settings.depth_values](depth), CAMERAS[settings.camera]
    points = camera.unproject(depth, settings)
    neighbors, weights = nearest_tokens(points, settings.lhp_neighbors)
    order = farthest_point_order(points, min(settings.order_length, points.shape[1]), camera.start(points))
    arrays = {"depth": depth, "order": order, "neighbors": neighbors, "weights": weights}
    return {name: array.numpy() for name, array in arrays.items()}


def _checked_grid(maps: Store, tokens: Store, settings: GeometrySettings) -> tuple[int, int]:
    """Rows and columns of the token grid, after checks that stores and settings fit it."""
    h, w = tokens.array("tokens").shape[1:3]
    if len(maps) != len(tokens) or maps.provenance.get("crops") != tokens.provenance.get("crops"):
        raise DepthGError(f"{maps.path} and {tokens.path} are of different crops: make both again")
    if settings.lhp_neighbors > h * w:
        raise DepthGError(
            f"geometries: lhp_neighbors: {settings.lhp_neighbors} tokens of a crop, but its {h}×{w} grid has "
            f"{h * w}: set lhp_neighbors to at most {h * w}, or make larger crops (size)"
        )
    return h, w
