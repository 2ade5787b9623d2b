"""Finding the nearest shape along each ray of a grid."""

from collections.abc import Sequence

import numpy as np

from .camera import RayGrid
from .shapes import Shape

_SMALLEST = 3  # shapes that cover fewer rows or columns of rays are left out


def trace_nearest(shapes: Sequence[Shape], grid: RayGrid) -> tuple[np.ndarray, np.ndarray]:
    """Nearest hit of every ray among the shapes.

    Returns t, float32 [H, W], infinity without a hit, and the index of the shape, int16 [H, W], -1 without a hit.
    A shape is traced only in the rectangle that it projects to, near shapes first, so that hidden ones are skipped.
    """
    nearest, index = np.full(grid.shape, np.inf, np.float32), np.full(grid.shape, -1, np.int16)
    first_t, boxes = grid.boxes(np.stack([shape.corners for shape in shapes]))
    large = np.minimum(boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]) >= _SMALLEST
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for number in np.argsort(first_t, kind="stable"):
            top, bottom, left, right = boxes[number]
            window = slice(top, bottom), slice(left, right)
            if large[number] and nearest[window].max() > first_t[number]:
                t = shapes[number].intersect(grid.window(*window))
                closer = t < nearest[window]
                np.copyto(nearest[window], t, where=closer)
                np.copyto(index[window], np.int16(number), where=closer)
    return nearest, index


def ground_hits(grid: RayGrid) -> np.ndarray:
    """t float32 [H, W] at which each ray meets the plane z = 0, infinity above the horizon."""
    height, climb = grid.origins()[2], grid.directions()[2]
    falling = climb < -1e-6
    return np.where(falling, -height / np.where(falling, climb, -1), np.inf).astype(np.float32)
