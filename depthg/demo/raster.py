"""Finding the nearest shape along each ray of a grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .camera import RayGrid
from .shapes import Shape

_SMALLEST = 3
"""Shapes that cover fewer rows or columns of rays than this are left out."""


def trace_nearest(shapes: Sequence[Shape], grid: RayGrid) -> tuple[np.ndarray, np.ndarray]:
    """Nearest hit of every ray among the shapes.

    Returns t float32 [H, W] (infinity without a hit) and the index of the shape int16 [H, W]
    (-1 without a hit). Each shape is traced only inside the rectangle that it projects to,
    the near ones first, so that those they hide can be skipped.
    """
    nearest = np.full((grid.height, grid.width), np.inf, np.float32)
    index = np.full((grid.height, grid.width), -1, np.int16)
    first_t, boxes = grid.boxes(np.stack([shape.corners for shape in shapes]))
    large = np.minimum(boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]) >= _SMALLEST
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for number in np.argsort(first_t, kind="stable"):
            top, bottom, left, right = boxes[number]
            window = slice(top, bottom), slice(left, right)
            if large[number] and nearest[window].max() > first_t[number]:
                t = shapes[number].intersect(grid.rays(window))
                closer = t < nearest[window]
                np.copyto(nearest[window], t, where=closer)
                np.copyto(index[window], np.int16(number), where=closer)
    return nearest, index


def ground_hits(grid: RayGrid) -> np.ndarray:
    """t float32 [H, W] at which each ray meets the plane z = 0, infinity above the horizon."""
    rays = grid.rays()
    height, climb = rays.origins()[2], rays.directions()[2]
    falling = climb < -1e-6
    return np.where(falling, -height / np.where(falling, climb, -1), np.inf).astype(np.float32)
