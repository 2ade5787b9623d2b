"""Solids, which have a shape, a material and a label, and functions that build convex polyhedra."""

from dataclasses import dataclass

import numpy as np

from .materials import Material
from .rays import Frame
from .shapes import Polyhedron, Shape


@dataclass(frozen=True)
class Solid:
    """A visible object, or a part of one."""

    shape: Shape
    material: Material
    label: int

    @property
    def frame(self) -> Frame:
        """The frame of the shape."""
        return self.shape.frame

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """World points [3, N] in the frame."""
        return self.shape.frame.to_local(points)

    def normals(self, local: np.ndarray) -> np.ndarray:
        """Outward unit normals [3, N] in the frame at local points [3, N]."""
        return self.shape.normals(local)


def box(frame: Frame, width: float, depth: float, height: float, extra: tuple = ()) -> Polyhedron:
    """A box standing on the frame's origin: x within ±width/2, y within ±depth/2, z in 0..height.

    extra: further half-spaces that cut it, each (normal x, y, z, offset); normals may have any length.
    """
    half = np.array([width / 2, depth / 2])
    low, high = np.array([-half[0], -half[1], 0.0]), np.array([half[0], half[1], height])
    planes = [[1, 0, 0, half[0]], [-1, 0, 0, half[0]], [0, 1, 0, half[1]], [0, -1, 0, half[1]]]
    planes += [[0, 0, 1, height], [0, 0, -1, 0.0], *extra]
    return Polyhedron(frame, _normalised(planes), low, high)


def gabled(frame: Frame, width: float, depth: float, eaves: float, ridge: float) -> Polyhedron:
    """A house body whose roof slopes along ±x from the height `ridge` down to `eaves`."""
    rise = (ridge - eaves) / (width / 2)
    return box(frame, width, depth, ridge, extra=((rise, 0, 1, ridge), (-rise, 0, 1, ridge)))


def roof_slab(frame: Frame, side: int, width: float, depth: float, eaves: float, ridge: float) -> Polyhedron:
    """One slope of the roof over `gabled`, with overhang; side is +1 or -1."""
    rise, thickness, overhang = (ridge - eaves) / (width / 2), 0.22, 0.35
    reach, half = width / 2 + overhang, depth / 2 + overhang
    # The planes: above the slope, below it, outer edge, ridge, and both gable ends.
    planes = [[side * rise, 0, 1, ridge + thickness], [-side * rise, 0, -1, -ridge]]
    planes += [[side, 0, 0, reach], [-side, 0, 0, 0.0], [0, 1, 0, half], [0, -1, 0, half]]
    low = np.array([min(side * reach, 0.0), -half, ridge - rise * reach])
    high = np.array([max(side * reach, 0.0), half, ridge + thickness])
    return Polyhedron(frame, _normalised(planes), low, high)


def _normalised(planes: list) -> np.ndarray:
    """Planes [K, 4] scaled so that the normals have length one."""
    array = np.array(planes, dtype=np.float64)
    return array / np.linalg.norm(array[:, :3], axis=1, keepdims=True)
