"""The interface of shapes, and convex polyhedra."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from .rays import Frame, Rays

_TINY = np.float32(1e-9)
_CORNERS = np.indices((2, 2, 2)).reshape(3, 8)


class Shape(Protocol):
    """A shape that rays can hit."""

    @property
    def frame(self) -> Frame:
        """Where the shape stands, and its local coordinates."""

    @property
    def corners(self) -> np.ndarray:
        """World corners [8, 3] of a box around the shape."""

    def intersect(self, rays: Rays) -> np.ndarray:
        """First hit t > 0 of each ray, float32 [h, w], infinity for a miss."""

    def normals(self, local: np.ndarray) -> np.ndarray:
        """Outward unit normals [3, N], in local coordinates, at local surface points [3, N]."""


def box_corners(frame: Frame, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """World corners [8, 3] of the box between two local corners."""
    return frame.to_world(np.where(_CORNERS, high[:, None], low[:, None]).astype(np.float64)).T


@dataclass(frozen=True)
class Polyhedron:
    """The points with planes[:, :3] · p <= planes[:, 3], inside the local box low..high."""

    frame: Frame
    planes: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @cached_property
    def corners(self) -> np.ndarray:
        return box_corners(self.frame, self.low, self.high)

    def intersect(self, rays: Rays) -> np.ndarray:
        rays = rays.within(self.frame)
        rate = rays.direction @ self.planes[:, :3].T
        room = -rays.origin @ self.planes[:, :3].T
        room[0] += self.planes[:, 3]
        return _slab_times(rays, room, rate) if rays.is_parallel else _slab_inverses(rays, room, rate)

    def normals(self, local: np.ndarray) -> np.ndarray:
        # Rounding puts a point a little outside some planes: it is on the plane that it violates most.
        planes = self.planes.astype(np.float32)
        face = np.argmax(planes[:, :3] @ local - planes[:, 3:], axis=0)
        return planes[:, :3].T[:, face]


def _slab_times(rays: Rays, room: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """First hit [h, w] of parallel rays with the K planes of a polyhedron.

    room, rate: [3, K] affine coefficients of the distance to each plane and of the speed towards it. The speeds are
    constant, so the times room / rate are affine in the pixel.
    """
    enter, leave = np.zeros(rays.shape, np.float32), np.full(rays.shape, np.inf, np.float32)
    speed = np.where(np.abs(rate[0]) < _TINY, _TINY, rate[0])
    for times, approach in zip((room / speed).T, speed < 0, strict=True):
        if approach:
            np.maximum(enter, rays.affine(times), out=enter)
        else:
            np.minimum(leave, rays.affine(times), out=leave)
    return np.where((enter < leave) & (enter > 0), enter, np.float32(np.inf))


def _slab_inverses(rays: Rays, room: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """As `_slab_times` for rays from one point, where 1 / t = rate / room is affine instead."""
    enter, leave = np.full(rays.shape, np.inf, np.float32), np.full(rays.shape, _TINY, np.float32)
    distance = np.where(np.abs(room[0]) < _TINY, _TINY, room[0])
    for inverse, outside in zip((rate / distance).T, distance < 0, strict=True):
        if outside:
            np.minimum(enter, rays.affine(inverse), out=enter)
        else:
            np.maximum(leave, rays.affine(inverse), out=leave)
    return np.where((enter > leave) & (enter < np.inf), 1 / enter, np.float32(np.inf))
