"""Materials: what colour a surface has at a point, before any light falls on it.

Colours are linear RGB; `rgb` converts from the display values that are easier to think in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from .noise import grain, mottle


@dataclass(frozen=True)
class Surface:
    """N visible points of one solid.

    local: float32 [3, N] position in the solid's frame; normal: float32 [3, N] in that frame.
    across: float32 [2, N] position in metres to the right and down in the view.
    footprint: float32 [N] metres that a pixel covers.
    """

    local: np.ndarray
    normal: np.ndarray
    across: np.ndarray
    footprint: np.ndarray


Choice = TypeVar("Choice")

Finish = tuple[np.ndarray, np.ndarray]
"""Albedo [3, N] and gloss [N], the share of light that is mirrored."""


class Material(Protocol):
    """Anything that can colour a surface."""

    def finish(self, surface: Surface) -> Finish:
        """Albedo and gloss of each point."""


def rgb(red: float, green: float, blue: float) -> np.ndarray:
    """Linear colour [3, 1] of display values in 0..1, assuming gamma 2."""
    return np.array([[red], [green], [blue]], dtype=np.float32) ** 2


def pick(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    """One of several colours or other things, all equally likely."""
    return choices[int(rng.integers(len(choices)))]


def cover(distance: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """How much of a pixel lies inside an edge: 1 at negative, 0 at positive signed distance."""
    return np.clip(0.5 - distance / np.maximum(footprint, 1e-4), 0.0, 1.0)


def stripes(position: np.ndarray, period: float, width: float, footprint: np.ndarray) -> np.ndarray:
    """Coverage of lines `width` wide that repeat every `period`; far away, their mean."""
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
    dirt: float = 0.06

    def finish(self, surface: Surface) -> Finish:
        x, y, z = surface.local
        spots = mottle().sample(x + 0.7 * y, z + 0.3 * y, 0.03, surface.footprint)
        return matt(tinted(self.colour, 1 + self.dirt * spots))


@dataclass(frozen=True)
class Foliage:
    """Leaves: clumps and single leaves as seen from the viewer, darker below and inside."""

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
    """Upright boards of a fence with dark gaps, grain of the wood and two rails."""

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
