"""Cars: a body with sills, a glazed cabin and four wheels."""

from dataclasses import dataclass

import numpy as np

from .classes import CAR
from .materials import Finish, Surface, blend, cover, layered, pick, rgb, tinted
from .noise import mottle
from .quadrics import Ellipsoid
from .rays import Frame
from .shapes import Polyhedron
from .solids import Solid, box

_PAINTS = (
    rgb(0.80, 0.80, 0.79),
    rgb(0.60, 0.61, 0.62),
    rgb(0.34, 0.35, 0.37),
    rgb(0.13, 0.13, 0.14),
    rgb(0.55, 0.13, 0.12),
    rgb(0.16, 0.24, 0.42),
    rgb(0.20, 0.32, 0.25),
    rgb(0.62, 0.56, 0.44),
    rgb(0.42, 0.28, 0.22),
)
_BLACK = rgb(0.09, 0.09, 0.1)
_LAMP = rgb(0.92, 0.9, 0.82)
_TAIL = rgb(0.62, 0.08, 0.07)
_PLATE = rgb(0.85, 0.85, 0.8)


@dataclass(frozen=True)
class Bodywork:
    """Painted lower body with lamps, bumpers, doors and wheel arches, in the car's frame (+y: forward)."""

    paint: np.ndarray
    width: float
    length: float
    axles: tuple[float, float]

    def finish(self, surface: Surface) -> Finish:
        x, y, z = surface.local
        fine = surface.footprint
        ends = np.abs(surface.normal[1]) > 0.7
        lamp = ends * cover(
            np.maximum(np.abs(np.abs(x) - 0.36 * self.width) - 0.16, np.abs(z - 0.48) - 0.08), fine
        )
        plate = ends * cover(np.maximum(np.abs(x) - 0.26, np.abs(z - 0.3) - 0.06), fine)
        sill = cover(z - 0.12, fine) + ends * cover(np.abs(z - 0.2) - 0.05, fine)
        arches = [cover(np.hypot(y - axle, z - 0.08) - 0.38, fine) for axle in self.axles]
        flank = np.abs(surface.normal[0]) > 0.7
        seams = flank * cover(np.minimum(np.abs(y), np.abs(np.abs(y) - 0.95)) - 0.012, fine)
        lamps = np.where(y > 0, _LAMP, _TAIL)
        dark = np.clip(sill + flank * np.maximum(*arches) + 0.7 * seams, 0, 1)
        dirt = mottle().sample(y, z + x, 0.05, fine)
        paint = tinted(self.paint, 1 + 0.05 * dirt)
        albedo = layered([(_BLACK, dark), (lamps, lamp), (_PLATE, plate)], paint)
        return albedo, 0.6 * (1 - dark)


@dataclass(frozen=True)
class Cabin:
    """Upper body: glass between painted pillars under a painted roof."""

    paint: np.ndarray
    height: float
    pillars: tuple[float, ...]
    half_width: float

    def finish(self, surface: Surface) -> Finish:
        x, y, z = surface.local
        fine = surface.footprint
        upright = surface.normal[2] < 0.9
        band = cover(np.abs(z - 0.52 * self.height) - 0.38 * self.height, fine)
        flank = np.abs(surface.normal[0]) > 0.6
        posts = np.max([cover(np.abs(y - pillar) - 0.05, fine) for pillar in self.pillars], axis=0)
        corner = cover(0.9 * self.half_width - 0.2 * z - np.abs(x), fine)
        glass = upright * band * (1 - np.where(flank, posts, corner))
        albedo = blend(np.broadcast_to(self.paint, surface.local.shape), rgb(0.1, 0.12, 0.13), glass)
        return albedo, 0.6 + 0.4 * glass


@dataclass(frozen=True)
class Wheel:
    """A tyre around a metal disc with spokes; the axle is the frame's x axis."""

    radius: float

    def finish(self, surface: Surface) -> Finish:
        _, y, z = surface.local
        distance = np.hypot(y, z)
        rim = cover(distance - 0.62 * self.radius, surface.footprint)
        spokes = 0.6 + 0.4 * np.cos(5 * np.arctan2(z, y))
        metal = tinted(rgb(0.66, 0.66, 0.67), spokes)
        return blend(np.broadcast_to(_BLACK, metal.shape), metal, rim), 0.1 * rim


@dataclass(frozen=True)
class _Style:
    """Dimensions of a car in metres; the cabin is between y = `rear` and y = `front`."""

    length: float
    width: float
    belt: float
    cabin: float
    rear: float
    front: float
    rear_slope: float
    front_slope: float


_STYLES = (
    _Style(4.5, 1.78, 0.72, 0.58, -1.75, 0.85, 0.9, 1.1),
    _Style(4.0, 1.72, 0.74, 0.62, -1.92, 0.75, 0.35, 1.0),
    _Style(4.6, 1.78, 0.72, 0.62, -2.2, 0.85, 0.3, 1.1),
    _Style(4.8, 1.9, 0.95, 0.95, -2.35, 1.35, 0.08, 0.7),
)


def car(rng: np.random.Generator, frame: Frame) -> list[Solid]:
    """A random car on the frame's origin, facing +y."""
    style = pick(rng, _STYLES)
    paint = pick(rng, _PAINTS)
    radius, half = 0.31, style.length / 2
    axles = (0.58 * half, -0.6 * half)
    body = _body(frame.offset(0, 0, 0.2), style)
    cabin = _cabin(frame.offset(0, 0, style.belt), style)
    pillars = (0.05, style.rear + 0.75 * style.rear_slope * style.cabin + 0.15)
    solids = [
        Solid(body, Bodywork(paint, style.width, style.length, axles), CAR),
        Solid(cabin, Cabin(paint, style.cabin, pillars, style.width / 2), CAR),
    ]
    for axle in axles:
        for side in (-1, 1):
            hub = frame.offset(side * (style.width / 2 - 0.08), axle, radius)
            solids.append(Solid(Ellipsoid(hub, np.array([0.13, radius, radius])), Wheel(radius), CAR))
    return solids


def _body(frame: Frame, style: _Style) -> Polyhedron:
    """The lower body: a box with bevelled bonnet, boot and shoulders."""
    half, height = style.length / 2, style.belt - 0.2
    bevels = (
        (0, 0.16, 1, height + 0.16 * 0.45 * half),
        (0, 1, 0.35, half + 0.35 * 0.45 * height),
        (0, -1, 0.25, half + 0.25 * 0.5 * height),
        (1, 0, 0.35, style.width / 2 + 0.35 * 0.75 * height),
        (-1, 0, 0.35, style.width / 2 + 0.35 * 0.75 * height),
    )
    return box(frame, style.width, style.length, height, bevels)


def _cabin(frame: Frame, style: _Style) -> Polyhedron:
    """The upper body: windows lean inwards."""
    side = style.width / 2 - 0.04
    slopes = (
        (0, 1, style.front_slope, style.front),
        (0, -1, style.rear_slope, -style.rear),
        (1, 0, 0.22, side),
        (-1, 0, 0.22, side),
    )
    return box(frame, style.width, style.length, style.cabin, slopes)
