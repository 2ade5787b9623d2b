"""Depth → 3D points → farthest-point order and nearest tokens in space (Sec. 3.4 and 3.6).

Reads a depth store and the token grid of a feature store; writes `geometry.zarr`. The result depends on the crops
only, so it is computed once for all experiments, training steps and numbers of samples.
"""

from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn import functional

from depthg.config.settings import GeometrySettings
from depthg.errors import DepthGError
from depthg.stages.camera import CAMERAS
from depthg.stages.depth.controls import CONTROLS, VALUES
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

BATCH = 64  # crops


def pool_depth(depth: Tensor, grid: tuple[int, int]) -> Tensor:
    """Average-pool depth over the area of each token (Eq. 4).

    Args:
        depth: float [B, H, W].
        grid: rows and columns of tokens (h, w).

    Returns:
        float [B, h, w].
    """
    return functional.adaptive_avg_pool2d(depth[:, None], grid)[:, 0]


def farthest_point_order(points: Tensor, n: int, start: Tensor) -> Tensor:
    """Order tokens by farthest-point sampling: each next one is farthest from its nearest predecessor (Sec. 3.4).

    Ties go to the lowest index. For any m ≤ n, the first m indices are the farthest-point sample of m tokens.

    Args:
        points: float [B, P, 3], on the CPU.
        n: length of the order, at most P.
        start: index of the first token, int64 [B, 1].

    Returns:
        Token indices int64 [B, n], distinct within a row even if points coincide.

    Example:
        >>> line = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [5, 0, 0], [9, 0, 0]]])
        >>> farthest_point_order(line, 3, torch.tensor([[0]]))
        tensor([[0, 3, 2]])
    """
    x, y, z = points.unbind(-1)  # one contiguous tensor per coordinate: twice as fast as [P, 3]
    x, y, z = x.contiguous(), y.contiguous(), z.contiguous()
    last = start
    nearest = torch.full_like(x, torch.inf)
    shared = nearest.numpy()  # its argmax is ten times as fast as torch's
    order = torch.empty(len(points), n, dtype=torch.int64)
    for i in range(n):
        order[:, i] = last[:, 0]
        to_last = (x - x.gather(1, last)).square_()
        to_last += (y - y.gather(1, last)).square_()
        to_last += (z - z.gather(1, last)).square_()
        torch.minimum(nearest, to_last, out=nearest)
        nearest.scatter_(1, last, -1.0)  # below every distance: never chosen again
        last = torch.from_numpy(shared.argmax(1, keepdims=True))
    return order


def nearest_tokens(points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest tokens in space of every token, and their mixing weights (Sec. 3.6).

    A neighbour at distance r gets the weight exp(−r / r̄), normalised to sum 1, where r̄ is the mean distance of the
    k − 1 neighbours other than the token itself: independent of scale, and uniform if all points coincide.

    Args:
        points: float [B, P, 3].
        k: neighbours per token, including the token itself; at most P.

    Returns:
        Token indices int64 [B, P, k], the token itself first, then by distance; weights float32 [B, P, k].

    Example:
        >>> nearest_tokens(torch.tensor([[[0.0, 0, 0], [1, 0, 0], [3, 0, 0]]]), 2)[0].tolist()
        [[[0, 1], [1, 0], [2, 1]]]
    """
    found = [_search(cloud, k) for cloud in points.cpu().numpy()]
    r = torch.from_numpy(np.stack([distances for distances, _ in found])).float()
    mean = r.sum(-1, keepdim=True) / max(k - 1, 1)
    weights = torch.softmax(-r / mean.clamp_min(torch.finfo(r.dtype).tiny), dim=-1)
    return torch.from_numpy(np.stack([ids for _, ids in found])), weights


def _search(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices [P, k] of the nearest points of each of the points [P, 3], the point itself first."""
    distances, ids = cKDTree(points, balanced_tree=False).query(points, list(range(1, k + 1)))
    own = np.arange(len(points))[:, None]
    missing = ~(ids == own).any(axis=1)  # possible if more than k points coincide
    ids[missing, -1] = own[missing, 0]
    first = np.argsort(ids != own, axis=1, kind="stable")
    return distances, np.take_along_axis(ids, first, axis=1)


def make_geometry(depth: Path, features: Path, out: Path, settings: GeometrySettings) -> None:
    """Write the geometry store of a set of crops.

    Args:
        depth: store with `depth` float16 [M, H, W].
        features: store with `tokens` [M, h, w, C]; only its token grid is read.
        out: store to write: `depth` float16 [M, h, w], `order` uint16 [M, order_length], and for 3D-LHP
            `neighbors` uint16 [M, h·w, k] and `weights` float16 [M, h·w, k].
        settings: camera, depth control, and the lengths `order_length` and k = `lhp_neighbors`.

    Raises:
        DepthGError: the stores belong to different crops, the grid has fewer than k tokens, or depth is not finite.
    """
    maps, tokens = Store(depth), Store(features)
    grid = _checked_grid(maps, tokens, settings)
    origin = {"depth": maps.fingerprint, "features": tokens.fingerprint}
    provenance = {"settings": settings.model_dump(), **origin}
    writer = Writer(out, len(maps), geometry_arrays(grid, settings), provenance, unit=BATCH)
    for rows in writer.tracked(BATCH, "geometry"):
        batch = torch.from_numpy(CONTROLS[settings.control](maps, rows)).float()
        if not batch.isfinite().all():
            raise DepthGError(f"{maps.path}: depth of rows {rows[0]}–{rows[-1]} is not finite: make it again")
        writer.write(rows, **_geometry(pool_depth(batch, grid), settings))
    writer.finish()


def geometry_arrays(grid: tuple[int, int], settings: GeometrySettings) -> dict[str, Array]:
    """The arrays of a geometry store on a token grid (h, w); uncompressed, as training reads rows at random."""
    size, k = grid[0] * grid[1], settings.lhp_neighbors
    return {
        "depth": Array(grid, "float16", compress=False),
        "order": Array((min(settings.order_length, size),), "uint16", compress=False),
        "neighbors": Array((size, k), "uint16", compress=False),
        "weights": Array((size, k), "float16", compress=False),
    }


def _geometry(depth: Tensor, settings: GeometrySettings) -> dict:
    """The values of all arrays of the store, by name, for pooled depth float [B, h, w]."""
    depth, camera = VALUES[settings.depth_values](depth), CAMERAS[settings.camera]
    points = camera.unproject(depth, settings)
    neighbors, weights = nearest_tokens(points, settings.lhp_neighbors)
    order = farthest_point_order(points, min(settings.order_length, points.shape[1]), camera.start(points))
    arrays = {"depth": depth, "order": order, "neighbors": neighbors, "weights": weights}
    return {name: array.numpy() for name, array in arrays.items()}


def _checked_grid(maps: Store, tokens: Store, settings: GeometrySettings) -> tuple[int, int]:
    """The token grid (h, w), after checking that the stores match and that k tokens fit on it."""
    h, w = tokens.shape("tokens")[:2]
    if len(maps) != len(tokens) or maps.provenance.get("crops") != tokens.provenance.get("crops"):
        raise DepthGError(f"{maps.path} and {tokens.path} are of different crops: make both again")
    if settings.lhp_neighbors > h * w:
        raise DepthGError(
            f"geometries: lhp_neighbors: {settings.lhp_neighbors} tokens of a crop, but its {h}×{w} grid has "
            f"{h * w}: set lhp_neighbors to at most {h * w}, or make larger crops (size)"
        )
    return h, w
