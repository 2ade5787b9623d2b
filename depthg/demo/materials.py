"""Materials: the colour and gloss of a surface at a point, before illumination. Colours are linear RGB."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from .noise import grain, mottle


@dataclass(frozen=True)
class Surface:
    """N visible points of one solid.

    Attributes:
        local, normal: position and unit normal in the frame of the solid, float32 [3, N].
        across: position in metres to the right and downwards in the view, float32 [2, N].
        footprint: metres that a pixel covers, float32 [N].
    """

    local: np.ndarray
    normal: np.ndarray
    across: np.ndarray
    footprint: np.ndarray


Choice = TypeVar("Choice")
Finish = tuple[np.ndarray, np.ndarray]  # albedo [3, N] and gloss [N], the share of light that is mirrored


class Material(Protocol):
    """A material."""

    def finish(self, surface: Surface) -> Finish:
        """Albedo and gloss of each point."""


def rgb(red: float, green: float, blue: float) -> np.ndarray:
    """Linear colour [3, 1] of display values in 0..1, for gamma 2."""
    return np.array([[red], [green], [blue]], dtype=np.float32) ** 2


def pick(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    """One of the choices, all equally likely."""
    return choices[int(rng.integers(len(choices)))]


def cover(distance: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Share of a pixel inside an edge at a signed distance: 1 far inside (negative), 0 far outside."""
    return np.clip(0.5 - distance / np.maximum(footprint, 1e-4), 0.0, 1.0)


def stripes(position: np.ndarray, period: float, width: float, footprint: np.ndarray) -> np.ndarray:
    """Share of a pixel covered by lines `width` wide that repeat every `period`; far away, their mean."""
    offset = np.abs((position / period + 0.5) % 1.0 - 0.5) * period - width / 2
    fade = np.clip(2.0 - 2.0 * footprint / period, 0.0, 1.0)
    return fade * cover(offset, footprint) + (1 - fade) * np.float32(width / period)


def blend(low: np.ndarray, high: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mix of two colours ([3, 1] or [3, N]) by weight [N]."""
    return low + (high - low) * weight


def tinted(colour: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """A colour [3, 1] or [3, N] multiplied by brightness [N], kept above black."""
    return colour * np.maximum(brightness, 0.04)


def layered(colours: Sequence[tuple[np.ndarray, np.ndarray]], base: np.ndarray) -> np.ndarray:
    """Paint each (colour, coverage) over the base, first one lowest."""
    for colour, weight in colours:
        base = blend(base, colour, weight)
    return base


def matt(albedo: np.ndarray) -> Finish:
    """A finish without gloss."""
    return albedo, np.zeros(albedo.shape[1], np.float32)


@dataclass(frozen=True)
class Paint:
    """One colour [3, 1] with a little dirt."""

    colour: np.ndarray

    def finish(self, surface: Surface) -> Finish:
        x, y, z = surface.local
        spots = mottle().sample(x + 0.7 * y, z + 0.3 * y, 0.03, surface.footprint)
        return matt(tinted(self.colour, 1 + 0.06 * spots))


@dataclass(frozen=True)
class Foliage:
    """Leaves, in clumps, that face the viewer; darker towards the ground."""

    colour: np.ndarray
    seed: float
    leaf: float = 0.035
    reach: float = 1.0

    def finish(self, surface: Surface) -> Finish:
        u, v = surface.across + np.float32(self.seed)
        clumps = mottle().sample(u, v, 0.06, surface.footprint)
        leaves = grain().sample(u, v, self.leaf, surface.footprint)
        lift = np.clip(surface.local[2] / self.reach, -1, 1)
        albedo = tinted(self.colour, 0.95 + 0.28 * clumps + 0.42 * leaves + 0.3 * lift)
        return matt(albedo)


@dataclass(frozen=True)
class Bark:
    """Furrowed bark of a trunk."""

    colour: np.ndarray

    def finish(self, surface: Surface) -> Finish:
        u, v = surface.across
        furrows = grain().sample(u, v * 0.25, 0.02, surface.footprint)
        return matt(tinted(self.colour, 0.9 + 0.3 * furrows))


@dataclass(frozen=True)
class Boards:
    """Upright boards of a fence with the grain of wood and dark gaps."""

    colour: np.ndarray
    board: float

    def finish(self, surface: Surface) -> Finish:
        x, _, z = surface.local
        gaps = stripes(x, self.board, 0.2 * self.board, surface.footprint)
        index = np.floor(x / self.board + 0.5)
        each = mottle().sample(index * 0.37, index * 0.11, 0.03, np.zeros_like(x))
        wood = grain().sample(x, z * 0.08, 0.012, surface.footprint)
        albedo = tinted(self.colour, 1 + 0.12 * each + 0.12 * wood)
        return matt(blend(albedo, self.colour * 0.08, gaps))
