"""Depth → 3D points of the tokens (Sec. 3.4): the cameras, and where farthest-point sampling starts with each."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from depthg.config.settings import GeometrySettings


def unproject(depth: Tensor, settings: GeometrySettings) -> Tensor:
    """Unproject the depth of every token to a 3D point with a pinhole camera (Sec. 3.4).

    The distance is z = near + (1 − near)·d, so that tokens of d = 0 do not all fall on the camera centre. The optical
    axis passes through the middle of the grid, a token's pixel coordinates are its centre, and pixels are square.

    Args:
        depth: float [B, h, w] in [0, 1], far = 1.
        settings: reads `field_of_view`, the horizontal angle in degrees, and `near`, the z of depth 0.

    Returns:
        float [B, h·w, 3], row-major: x to the right, y downwards, z away from the camera.

    Example:
        >>> unproject(torch.tensor([[[0.0]]]), GeometrySettings(near=0.5))
        tensor([[[0.0000, 0.0000, 0.5000]]])
    """
    z = settings.near + (1 - settings.near) * depth
    return _pinhole(z, math.radians(settings.field_of_view), 0.5)


def unproject_parallel(depth: Tensor, settings: GeometrySettings) -> Tensor:
    """Unproject with a parallel projection: x and y are independent of depth; otherwise as `unproject`.

    A pinhole camera spreads distant tokens over more space than near ones, so farthest-point samples concentrate on
    the background, such as the sky. A parallel projection spaces all tokens equally in x and y.
    """
    points = unproject(torch.ones_like(depth), settings)
    points[..., 2] = settings.near + (1 - settings.near) * depth.flatten(1)
    return points


def unproject_released(depth: Tensor, settings: GeometrySettings) -> Tensor:
    """As released: the angle in degrees read as radians, tokens at their corners, z = −5·d beside x and y of z = d."""
    points = _pinhole(depth, settings.field_of_view, 0.0)
    points[..., 2] *= -5
    return points


def _pinhole(z: Tensor, angle: float, offset: float) -> Tensor:
    """Points float [B, h·w, 3] of distances z [B, h, w]; `offset` is a token's pixel coordinate within the token."""
    h, w = z.shape[-2:]
    token = 2 * math.tan(angle / 2) / w  # side of a token at z = 1
    x = token * (torch.arange(w, dtype=z.dtype, device=z.device) + offset - w / 2)
    y = token * (torch.arange(h, dtype=z.dtype, device=z.device) + offset - h / 2)
    return torch.stack([z * x, z * y[:, None], z], dim=-1).flatten(1, 2)


def central_token(points: Tensor) -> Tensor:
    """Index of the token nearest to the centroid of points [B, P, 3], int64 [B, 1]."""
    return (points - points.mean(1, keepdim=True)).square().sum(-1).argmin(1, keepdim=True)


def first_token(points: Tensor) -> Tensor:
    """As released: index 0, int64 [B, 1]."""
    return torch.zeros(len(points), 1, dtype=torch.int64, device=points.device)


@dataclass(frozen=True)
class Camera:
    """A projection, and the first token of farthest-point sampling."""

    # depth float [B, h, w] → points float [B, h·w, 3]
    unproject: Callable[[Tensor, GeometrySettings], Tensor]
    # points float [B, P, 3] → token indices int64 [B, 1]
    start: Callable[[Tensor], Tensor]


# Setting `camera` of `geometries` → Camera. To add one: its name in GeometrySettings, a line here, a test.
CAMERAS = {
    "pinhole": Camera(unproject, central_token),
    "parallel": Camera(unproject_parallel, central_token),
    "released": Camera(unproject_released, first_token),
}
