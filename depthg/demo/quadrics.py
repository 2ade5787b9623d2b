"""Shapes bounded by curved surfaces: ellipsoids and upright frustums."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .noise import mottle
from .rays import Frame, Rays, unit
from .shapes import box_corners

_TINY = np.float32(1e-9)


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid around the frame's origin with the `radii` [3]; `ragged` roughens its outline (0: smooth)."""

    frame: Frame
    radii: np.ndarray
    ragged: float = 0.0

    @cached_property
    def corners(self) -> np.ndarray:
        reach = self.radii * (1 + 2.5 * self.ragged)
        return box_corners(self.frame, -reach, reach)

    def intersect(self, rays: Rays) -> np.ndarray:
        scale = _rough_scale(rays, self.frame, self.ragged)
        local = rays.within(self.frame, self.radii)
        (ox, oy, oz), (dx, dy, dz) = local.origins(), local.directions()
        a = dx * dx + dy * dy + dz * dz
        b = ox * dx + oy * dy + oz * dz
        c = ox * ox + oy * oy + oz * oz - scale * scale
        discriminant = b * b - a * c
        t = (-b - np.sqrt(np.maximum(discriminant, 0))) / a
        return np.where((discriminant > 0) & (t > 0), t, np.float32(np.inf))

    def normals(self, local: np.ndarray) -> np.ndarray:
        return unit(local / (self.radii[:, None] ** 2).astype(local.dtype))


@dataclass(frozen=True)
class Frustum:
    """An upright cone, cut cone or cylinder, open at both ends, standing on the frame's origin."""

    frame: Frame
    bottom: float
    top: float
    height: float
    ragged: float = 0.0

    @property
    def taper(self) -> float:
        """Change of radius a metre of height."""
        return (self.top - self.bottom) / self.height

    @cached_property
    def corners(self) -> np.ndarray:
        reach = max(self.bottom, self.top) * (1 + 2.5 * self.ragged)
        return box_corners(self.frame, np.array([-reach, -reach, 0.0]), np.array([reach, reach, self.height]))

    def intersect(self, rays: Rays) -> np.ndarray:
        scale = _rough_scale(rays, self.frame, self.ragged)
        local = rays.within(self.frame)
        (ox, oy, oz), (dx, dy, dz) = local.origins(), local.directions()
        radius, slope = scale * (self.bottom + self.taper * oz), scale * (self.taper * dz)
        a = dx * dx + dy * dy - slope * slope
        b = ox * dx + oy * dy - radius * slope
        discriminant = b * b - a * (ox * ox + oy * oy - radius * radius)
        a = np.where(np.abs(a) < _TINY, _TINY, a)
        root = np.sqrt(np.maximum(discriminant, 0))
        one, two = (-b - root) / a, (-b + root) / a
        best = np.full(a.shape, np.inf, np.float32)
        for t in (np.maximum(one, two), np.minimum(one, two)):
            z = oz + t * dz
            # The mirrored half of the double cone lies beyond one of the ends.
            on_side = (discriminant > 0) & (t > 0) & (z >= 0) & (z <= self.height)
            best = np.where(on_side, t, best)
        return best.astype(np.float32)

    def normals(self, local: np.ndarray) -> np.ndarray:
        x, y, _ = local
        return unit(np.stack([x, y, np.float32(-self.taper) * (np.hypot(x, y) + _TINY)]))


def _rough_scale(rays: Rays, frame: Frame, ragged: float) -> np.ndarray:
    """Factor of the radius for each pixel, [h, w] or a scalar; 1 for parallel rays, as shadows need no such detail."""
    if ragged == 0 or rays.is_parallel:
        return np.ones((), np.float32)
    distance = float(np.linalg.norm(rays.origin[0] - frame.position))
    u, v = rays.lateral(distance)
    bump = mottle().sample(
        u + np.float32(frame.x * 7), v + np.float32(frame.z * 5), 0.09, rays.pixel_size(distance)
    )
    return 1 + np.float32(ragged) * np.clip(bump, -2.5, 2.5)
