"""The rays of a whole image: those of a pinhole camera, and the parallel light that casts shadows."""

import numpy as np

from .rays import Rays

FIELD_OF_VIEW = np.deg2rad(64.0)  # horizontal opening angle of the demo camera, radians
_NEAR = 0.05  # depth in metres of the plane at which boxes that reach behind the camera are cut
_PAIRS = np.triu_indices(8, 1)


class RayGrid(Rays):
    """The rays of a whole image."""

    def window(self, rows: slice, columns: slice) -> Rays:
        """The rays of a rectangle of the image."""
        return Rays(self.origin, self.direction, self.columns[columns], self.rows[rows])

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points [..., 3] to (t, column, row) [..., 3]; for a pinhole valid only where t > 0."""
        steps = self.origin[1:] if self.is_parallel else self.direction[1:]
        basis = np.vstack([self.direction[:1], steps])
        result = (points - self.origin[0]) @ np.linalg.inv(basis)
        if not self.is_parallel:
            result[..., 1:] /= np.where(result[..., :1] > 0, result[..., :1], np.inf)
        return result

    def boxes(self, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What boxes with world corners [S, 8, 3] cover in the image.

        Returns the smallest t of each box, float [S], and its top, bottom, left and right, int [S, 4], clipped to
        the image; bottom <= top or right <= left for a box outside the image.
        """
        projected = self.project(corners)
        if not self.is_parallel:
            for box in np.flatnonzero((projected[..., 0] < _NEAR).any(axis=1)):
                projected[box] = self._in_front(corners[box], projected[box, :, 0])
        low, high = projected.min(axis=1), projected.max(axis=1)
        limits = np.array(self.shape[::-1])
        first = np.clip(np.floor(low[:, 1:]), 0, limits).astype(int)
        last = np.clip(np.ceil(high[:, 1:]) + 1, 0, limits).astype(int)
        return low[:, 0], np.stack([first[:, 1], last[:, 1], first[:, 0], last[:, 0]], axis=1)

    def _in_front(self, corners: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Projected corners [8, 3] of a box around the part of the box that is in front of the camera."""
        first, second = (
            _PAIRS  # every pair of corners counts as an edge: diagonals add only points inside the hull
        )
        crossing = (t[first] < _NEAR) != (t[second] < _NEAR)
        first, second = first[crossing], second[crossing]
        weight = ((_NEAR - t[first]) / (t[second] - t[first]))[:, None]
        cuts = corners[first] * (1 - weight) + corners[second] * weight
        seen = np.vstack([corners[t >= _NEAR], cuts])
        if not len(seen):
            return np.full((8, 3), -np.inf)
        projected = self.project(seen)
        return np.resize(np.stack([projected.min(axis=0), projected.max(axis=0)]), (8, 3))


def pinhole(eye: np.ndarray, yaw: float, pitch: float, height: int, width: int) -> RayGrid:
    """Camera at `eye` [3], looking along +y turned left by `yaw` and up by `pitch` (radians).

    Each direction has length one along the optical axis, so t is the depth in metres.
    """
    focal = 0.5 * width / np.tan(0.5 * FIELD_OF_VIEW)
    right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    level = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
    forward = level * np.cos(pitch) + np.array([0.0, 0.0, np.sin(pitch)])
    down = np.cross(forward, right)
    corner = forward + right * (0.5 - 0.5 * width) / focal + down * (0.5 - 0.5 * height) / focal
    origin = np.zeros((3, 3))
    origin[0] = eye
    return _grid(height, width, origin, np.stack([corner, right / focal, down / focal]))


def parallel(
    centre: tuple[float, float], towards_light: np.ndarray, extent: float, top: float, size: int
) -> RayGrid:
    """Parallel rays that fall from height `top` on a square of the ground, `extent` metres a side.

    The ground is met at steps of `extent / size` metres in x and y; t is the fall below `top`, in metres.
    """
    slope = towards_light / towards_light[2]
    step = extent / size
    first = np.array([centre[0], centre[1], 0.0]) - np.array([1.0, 1.0, 0.0]) * 0.5 * (extent - step)
    origin = np.array([first + slope * top, [step, 0.0, 0.0], [0.0, step, 0.0]])
    direction = np.zeros((3, 3))
    direction[0] = -slope
    return _grid(size, size, origin, direction)


def _grid(height: int, width: int, origin: np.ndarray, direction: np.ndarray) -> RayGrid:
    return RayGrid(origin, direction, *(np.arange(side, dtype=np.float32) for side in (width, height)))
