"""Shadow maps: where parallel light is blocked."""

import numpy as np
from scipy.ndimage import gaussian_filter

from .camera import parallel
from .raster import trace_nearest
from .shapes import Shape

_TOP = 60.0  # height in metres from which light is traced: above everything


class ShadowMap:
    """The height above which parallel light is not blocked, over a square of the ground."""

    def __init__(
        self,
        shapes: list[Shape],
        towards_light: np.ndarray,
        centre: tuple[float, float],
        extent: float,
        size: int,
    ) -> None:
        grid = parallel(centre, towards_light, extent, _TOP, size)
        fall, _ = trace_nearest(shapes, grid)
        self._height = np.where(np.isfinite(fall), _TOP - fall, np.float32(-1.0))
        slope = towards_light / towards_light[2]
        self._slope = slope.astype(np.float32)
        self._first = (grid.origin[0] - slope * _TOP).astype(np.float32)
        self._step = np.float32(extent / size)

    def lit(self, points: np.ndarray, normals: np.ndarray, jitter: np.ndarray) -> np.ndarray:
        """Whether the light reaches world points [3, N], float32 [N], 0 or 1.

        jitter: displacement in map pixels, [2, N]; edges become soft if it differs between the rays of a pixel.
        """
        raised = points + normals * np.float32(0.12)
        column, row = self._pixel(raised)
        blocker = self._lookup(self._height, column + jitter[0], row + jitter[1])
        return (blocker <= raised[2] + np.float32(0.1)).astype(np.float32)

    def crowding(self, points: np.ndarray, reach: float) -> np.ndarray:
        """Share of the ground within about `reach` metres of points [3, N] that is in shadow."""
        blurred = gaussian_filter((self._height > 0.2).astype(np.float32), reach / self._step)
        return self._lookup(blurred, *self._pixel(points))

    def _pixel(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row [N] of the map pixels through which the light to points [3, N] passes."""
        x, y, z = points
        column = (x - z * self._slope[0] - self._first[0]) / self._step
        row = (y - z * self._slope[1] - self._first[1]) / self._step
        return column, row

    def _lookup(self, image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Nearest pixel; positions off the map take the value at its border."""
        last = np.float32(len(image) - 1)
        return image[
            np.clip(np.rint(row), 0, last).astype(np.int32),
            np.clip(np.rint(column), 0, last).astype(np.int32),
        ]
