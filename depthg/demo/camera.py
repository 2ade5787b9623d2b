"""Grids of rays: a pinhole camera to look through and parallel light to cast shadows with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rays import Rays

FIELD_OF_VIEW = np.deg2rad(64.0)
"""Horizontal opening angle of the demo camera in radians."""

_NEAR = 0.05
_PAIRS = np.triu_indices(8, 1)

Window = tuple[slice, slice]


@dataclass(frozen=True)
class RayGrid:
    """A full image of rays; `origin` and `direction` as in `Rays`."""

    height: int
    width: int
    origin: np.ndarray
    direction: np.ndarray

    def rays(self, window: Window | None = None) -> Rays:
        """The rays of a window, or all of them."""
        rows, columns = window or (slice(0, self.height), slice(0, self.width))
        return Rays(
            self.origin,
            self.direction,
            np.arange(columns.start, columns.stop, dtype=np.float32),
            np.arange(rows.start, rows.stop, dtype=np.float32),
        )

    @property
    def is_parallel(self) -> bool:
        """Whether all rays share one direction."""
        return not self.direction[1:].any()

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points [..., 3] to (t, column, row) [..., 3]; for a pinhole valid only where t > 0."""
        steps = self.origin[1:] if self.is_parallel else self.direction[1:]
        basis = np.vstack([self.direction[:1], steps])
        result = (points - self.origin[0]) @ np.linalg.inv(basis)
        if not self.is_parallel:
            result[..., 1:] /= np.where(result[..., :1] > 0, result[..., :1], np.inf)
        return result

    def boxes(self, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What boxes with world corners [S, 8, 3] cover on screen.

        Returns the smallest t of each, float [S], and int [S, 4]: top, bottom, left and right,
        clipped to the image and empty (bottom <= top or right <= left) when off screen.
        """
        projected = self.project(corners)
        if not self.is_parallel:
            for box in np.flatnonzero((projected[..., 0] < _NEAR).any(axis=1)):
                projected[box] = self._in_front(corners[box], projected[box, :, 0])
        low, high = projected.min(axis=1), projected.max(axis=1)
        limits = np.array([self.width, self.height])
        first = np.clip(np.floor(low[:, 1:]), 0, limits).astype(int)
        last = np.clip(np.ceil(high[:, 1:]) + 1, 0, limits).astype(int)
        return low[:, 0], np.stack([first[:, 1], last[:, 1], first[:, 0], last[:, 0]], axis=1)

    def _in_front(self, corners: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Projected corners [8, 3] of a box around the part of the box before the camera.

        Every corner pair counts as an edge: diagonals only add points inside the hull.
        """
        first, second = _PAIRS
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
    return RayGrid(height, width, origin, np.stack([corner, right / focal, down / focal]))


def parallel(
    centre: tuple[float, float], towards_light: np.ndarray, extent: float, top: float, size: int
) -> RayGrid:
    """Parallel rays falling from height `top` onto a square of the ground, `extent` metres a side.

    Pixel (column, row) meets the ground at centre + (column, row) * step; the direction has
    a vertical component of -1, so t is the fall below `top`.
    """
    slope = towards_light / towards_light[2]
    step = extent / size
    first = np.array([centre[0], centre[1], 0.0]) - np.array([1.0, 1.0, 0.0]) * 0.5 * (extent - step)
    origin = np.array([first + slope * top, [step, 0.0, 0.0], [0.0, step, 0.0]])
    direction = np.zeros((3, 3))
    direction[0] = -slope
    return RayGrid(size, size, origin, direction)
