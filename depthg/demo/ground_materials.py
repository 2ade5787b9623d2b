"""Materials of the ground: grass, asphalt with lines, gravel and paving slabs."""

from dataclasses import dataclass

import numpy as np

from .materials import Finish, Surface, blend, cover, layered, matt, rgb, stripes, tinted
from .noise import cell_hash, grain, mottle

_LINE = rgb(0.86, 0.86, 0.82)
BAY = 2.6  # width of a parking bay, metres
BAY_ROWS = (-16.0, -5.5, 5.5, 16.0)  # lateral middle of the rows of parking bays, metres


@dataclass(frozen=True)
class Grass:
    """A lawn or meadow: patches between two colours, and blades that look upright."""

    lush: np.ndarray
    dry: np.ndarray
    seed: float

    def finish(self, surface: Surface) -> Finish:
        x, y = surface.local[0] + np.float32(self.seed), surface.local[1]
        patches = mottle().sample(x, y, 0.25, surface.footprint)
        tufts = mottle().sample(y, x, 0.025, surface.footprint)
        u, v = surface.across
        blades = grain().sample(u, v * 0.4, 0.012, surface.footprint)
        colour = blend(self.lush, self.dry, np.clip(0.4 + 0.4 * patches, 0, 1))
        return matt(tinted(colour, 1 + 0.16 * tufts + 0.3 * blades + 0.08 * patches))


@dataclass(frozen=True)
class Asphalt:
    """Tarmac in road coordinates (lateral, along).

    marking: "lanes" for a dashed middle line and edge lines, "bays" for parking bays, "none".
    gaps: (along, half length) of stretches without lines.
    """

    colour: np.ndarray
    half_width: float
    marking: str
    seed: float
    gaps: tuple[tuple[float, float], ...] = ()

    def finish(self, surface: Surface) -> Finish:
        x, y, _ = surface.local
        grit = grain().sample(x, y, 0.012, surface.footprint)
        wear = mottle().sample(x + np.float32(self.seed), y * 0.3, 0.06, surface.footprint)
        patch = mottle().sample(x, y + np.float32(self.seed), 0.3, surface.footprint)
        repaired = 0.16 * np.clip(4 * (patch - 0.8), 0, 1)
        tarmac = tinted(self.colour, 1 + 0.16 * grit + 0.12 * wear - repaired)
        worn = np.clip(0.8 - 0.25 * wear, 0, 1)
        return matt(blend(tarmac, _LINE, worn * self._lines(x, y, surface.footprint)))

    def _lines(self, x: np.ndarray, y: np.ndarray, footprint: np.ndarray) -> np.ndarray:
        """Coverage [N] by white paint."""
        if self.marking == "none":
            return np.zeros_like(x)
        if self.marking == "bays":
            lines = stripes(y, BAY, 0.12, footprint) * _bay_row(x)
        else:
            dashes = cover(np.abs((y / 6) % 1 - 0.5) * 6 - 1.5, footprint)
            middle = cover(np.abs(x) - 0.07, footprint) * dashes
            lines = middle + cover(np.abs(np.abs(x) - self.half_width + 0.25) - 0.06, footprint)
        for along, reach in self.gaps:
            lines = lines * (np.abs(y - along) > reach)
        return lines


def _bay_row(x: np.ndarray) -> np.ndarray:
    """1 where the lateral position belongs to a row of bays, else 0."""
    return np.any([np.abs(x - row) < 2.4 for row in BAY_ROWS], axis=0).astype(np.float32)


@dataclass(frozen=True)
class Gravel:
    """Pebbles of a park path."""

    colour: np.ndarray

    def finish(self, surface: Surface) -> Finish:
        x, y, _ = surface.local
        pebbles = grain().sample(x, y, 0.02, surface.footprint)
        tracks = mottle().sample(x, y * 0.2, 0.05, surface.footprint)
        return matt(tinted(self.colour, 1 + 0.2 * pebbles + 0.1 * tracks))


@dataclass(frozen=True)
class Slabs:
    """Paving slabs `size` metres a side, with joints."""

    colour: np.ndarray
    size: float

    def finish(self, surface: Surface) -> Finish:
        x, y, _ = surface.local
        joints = np.maximum(
            stripes(x, self.size, 0.025, surface.footprint), stripes(y, self.size, 0.025, surface.footprint)
        )
        tone = cell_hash(np.floor(x / self.size + 0.5), np.floor(y / self.size + 0.5)) - 0.5
        fade = np.clip(1.5 - surface.footprint / self.size, 0, 1)
        dirt = mottle().sample(x, y, 0.05, surface.footprint)
        colour = tinted(self.colour, 1 + 0.18 * tone * fade + 0.1 * dirt)
        return matt(layered([(self.colour * 0.35, 0.8 * joints)], colour))
