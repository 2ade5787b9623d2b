"""Walls with windows and doors, and tiled roofs."""

from dataclasses import dataclass

import numpy as np

from .materials import Finish, Surface, blend, cover, layered, matt, rgb, stripes, tinted
from .noise import cell_hash, grain, mottle

_FRAME = 0.07  # width of window frames, metres
_COURSE = 0.3 * 0.6  # height of a row of roof tiles, metres
_GLASS = rgb(0.16, 0.19, 0.23)
_CURTAIN = rgb(0.62, 0.6, 0.56)
_PLINTH = rgb(0.42, 0.41, 0.4)


@dataclass(frozen=True)
class Facade:
    """The outer walls of a house of `width` (x) by `depth` (y) metres and `storeys` floors.

    Each wall has a whole number of window bays, about `bay` metres wide. Roofs have no windows.
    """

    wall: np.ndarray
    trim: np.ndarray
    width: float
    depth: float
    storeys: int
    storey: float
    bay: float
    window: tuple[float, float]
    brick: bool
    seed: int

    def finish(self, surface: Surface) -> Finish:
        along, length = self._wall_coordinates(surface)
        z = surface.local[2]
        count = np.maximum(np.round(length / self.bay), 1)
        position = (along / length + 0.5) * count
        column = np.floor(position)
        x = (position - column - 0.5) * length / count
        floor = np.floor(z / self.storey)
        upright = np.abs(surface.normal[2]) < 0.5
        has_window = upright & (floor >= 0) & (floor < self.storeys)
        glass, frame, chance = self._openings(x, z, column, floor, surface)
        wall = self._wall(along, z, surface.footprint)
        pane = blend(_GLASS, _CURTAIN, np.clip(chance * 2.2 - 1.4, 0, 0.8))
        painted = layered([(self.trim, frame * has_window), (pane, glass * has_window)], wall)
        return painted, 0.55 * glass * has_window

    def _wall_coordinates(self, surface: Surface) -> tuple[np.ndarray, np.ndarray]:
        """Position along the wall from its middle, and the wall's length, in metres [N]."""
        faces_x = np.abs(surface.normal[0]) > np.abs(surface.normal[1])
        along = np.where(faces_x, surface.local[1], surface.local[0])
        return along, np.where(faces_x, self.depth, self.width).astype(np.float32)

    def _openings(
        self, x: np.ndarray, z: np.ndarray, column: np.ndarray, floor: np.ndarray, surface: Surface
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coverage by glass and by frames, and a random number for each opening, all [N]."""
        side = np.round(surface.normal[0] * 2 + surface.normal[1])
        chance = cell_hash(column, floor, side, np.array([self.seed]))
        door = (floor == 0) & (cell_hash(column, side, np.array([self.seed + 1])) < 0.2)
        half_width = self.window[0] / 2
        top = 0.5 * self.storey + 0.55 * self.window[1]
        bottom = np.where(door, 0.0, top - self.window[1])
        height = z - floor * self.storey
        edge = np.maximum(np.abs(x) - half_width, np.abs(height - (top + bottom) / 2) - (top - bottom) / 2)
        bars = np.minimum(np.abs(x), np.abs(height - top + 0.35 * self.window[1])) - 0.03
        outer = cover(edge - _FRAME, surface.footprint)
        inner = cover(edge + 0.02, surface.footprint) * (1 - cover(bars, surface.footprint))
        return inner, outer, np.where(door, 0.3, chance)

    def _wall(self, along: np.ndarray, z: np.ndarray, footprint: np.ndarray) -> np.ndarray:
        """Colour of the bare wall [3, N]: plaster or bricks, stains, bands and the plinth."""
        stains = mottle().sample(along + self.seed, z * 0.6, 0.08, footprint)
        rough = grain().sample(along, z, 0.03, footprint)
        wall = tinted(self.wall, 1 + 0.1 * stains + 0.05 * rough)
        if self.brick:
            wall = self._bricks(wall, along, z, footprint)
        band = stripes(z, self.storey, 0.16, footprint) * (z > 0.5 * self.storey)
        plinth = cover(z - 0.55, footprint)
        return layered([(self.trim * 0.8, 0.6 * band), (_PLINTH, 0.8 * plinth)], wall)

    def _bricks(
        self, wall: np.ndarray, along: np.ndarray, z: np.ndarray, footprint: np.ndarray
    ) -> np.ndarray:
        """Courses of bricks with light joints over the wall colour."""
        course = np.floor(z / 0.12)
        shifted = along + 0.16 * (course % 2)
        tone = cell_hash(np.floor(shifted / 0.32), course) - 0.5
        fade = np.clip(1.5 - footprint / 0.12, 0, 1)
        joints = np.maximum(stripes(z, 0.12, 0.02, footprint), stripes(shifted, 0.32, 0.02, footprint))
        return blend(tinted(wall, 1 + 0.5 * tone * fade), rgb(0.7, 0.67, 0.62), 0.55 * joints)


@dataclass(frozen=True)
class Tiles:
    """Rows of roof tiles."""

    colour: np.ndarray

    def finish(self, surface: Surface) -> Finish:
        _, y, z = surface.local
        course = z / _COURSE
        tone = cell_hash(np.floor(y / 0.25), np.floor(course)) - 0.5
        fade = np.clip(1.5 - surface.footprint / 0.2, 0, 1)
        shade = stripes(z, _COURSE, 0.04, surface.footprint)
        moss = mottle().sample(y, z, 0.06, surface.footprint)
        return matt(tinted(self.colour, 1 + 0.35 * tone * fade + 0.1 * moss - 0.5 * shade))
