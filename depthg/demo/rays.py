"""Rays through a rectangle of pixels, and the local coordinate systems in which shapes meet them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Frame:
    """A local coordinate system: moved to (x, y, z) metres and turned by `yaw` radians about z."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0

    @cached_property
    def position(self) -> np.ndarray:
        """Origin of the frame in the world, [3]."""
        return np.array([self.x, self.y, self.z])

    @cached_property
    def axes(self) -> np.ndarray:
        """Rotation from world to local, [3, 3]: its rows are the local axes in the world."""
        cosine, sine = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """World points [3, N] in this frame."""
        return self.axes.astype(points.dtype) @ (points - self.position[:, None].astype(points.dtype))

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Local points [3, N] in the world."""
        return self.turn_to_world(points) + self.position[:, None].astype(points.dtype)

    def turn_to_world(self, directions: np.ndarray) -> np.ndarray:
        """Local directions [3, N] in the world."""
        return self.axes.T.astype(directions.dtype) @ directions

    def offset(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> "Frame":
        """The frame at local position (x, y, z), turned by a further `yaw`."""
        (east,), (north,), (up,) = self.to_world(np.array([[x], [y], [z]])).tolist()
        return Frame(east, north, up, self.yaw + yaw)


@dataclass(frozen=True)
class Rays:
    """Rays `origin + t * direction` through a rectangle of pixels.

    Anything linear in a ray is affine in the column and row of its pixel, so it costs one addition per pixel
    (`affine`) instead of a dot product.

    Attributes:
        origin, direction: float64 [3, 3]; rows: the value at pixel (0, 0), its steps to the next column and row.
        columns, rows: indices of the pixels, float32 [w] and [h].
    """

    origin: np.ndarray
    direction: np.ndarray
    columns: np.ndarray
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns (h, w)."""
        return len(self.rows), len(self.columns)

    @property
    def is_parallel(self) -> bool:
        """Whether all rays share one direction; otherwise they share one origin."""
        return not self.direction[1:].any()

    def origins(self) -> list[np.ndarray]:
        """x, y and z of the origins, each broadcastable to [h, w]."""
        return [self.affine(axis) for axis in self.origin.T]

    def directions(self) -> list[np.ndarray]:
        """x, y and z of the directions, each broadcastable to [h, w]."""
        return [self.affine(axis) for axis in self.direction.T]

    def within(self, frame: Frame, scale: np.ndarray | float = 1.0) -> "Rays":
        """The same rays in the coordinates of `frame`, divided by `scale` along each axis."""
        turn = frame.axes.T / scale
        moved = self.origin.copy()
        moved[0] -= frame.position
        return Rays(moved @ turn, self.direction @ turn, self.columns, self.rows)

    def pixel_size(self, distance: float) -> float:
        """Metres between neighbouring rays at t = `distance`."""
        return float(np.linalg.norm(self.origin[1] + distance * self.direction[1]))

    def lateral(self, distance: float) -> tuple[np.ndarray, np.ndarray]:
        """Position across the view at t = `distance` in metres: [1, w] to the right, [h, 1] down."""
        size = np.float32(self.pixel_size(distance))
        return self.columns[None, :] * size, self.rows[:, None] * size

    def affine(self, coefficients: np.ndarray) -> np.ndarray:
        """Constant + column · step + row · step of three coefficients: float32 [h, w], or a scalar without steps."""
        constant, per_column, per_row = coefficients.astype(np.float32)
        if per_column == 0 and per_row == 0:
            return np.asarray(constant)
        return (constant + per_column * self.columns)[None, :] + (per_row * self.rows)[:, None]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [3, N] scaled to length one."""
    return vectors / np.sqrt((vectors * vectors).sum(axis=0))
