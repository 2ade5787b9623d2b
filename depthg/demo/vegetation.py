"""Broad-leaved trees, firs, bushes and distant woods."""

import numpy as np

from .classes import TREE
from .materials import Bark, Foliage, pick, rgb
from .quadrics import Ellipsoid, Frustum
from .rays import Frame
from .solids import Solid

_LEAVES = (
    rgb(0.34, 0.45, 0.21),
    rgb(0.28, 0.39, 0.20),
    rgb(0.48, 0.54, 0.28),
    rgb(0.44, 0.48, 0.31),
    rgb(0.58, 0.53, 0.27),
    rgb(0.56, 0.41, 0.24),
    rgb(0.46, 0.32, 0.26),
)
_NEEDLES = (rgb(0.17, 0.29, 0.19), rgb(0.21, 0.33, 0.17), rgb(0.22, 0.32, 0.27))
_BARKS = (rgb(0.36, 0.30, 0.25), rgb(0.45, 0.42, 0.38), rgb(0.30, 0.24, 0.20))


def _leaves(rng: np.random.Generator, reach: float) -> Foliage:
    colour = pick(rng, _LEAVES) * np.float32(rng.uniform(0.85, 1.2))
    return Foliage(colour, seed=rng.uniform(0, 50), reach=reach)


def broadleaf(rng: np.random.Generator, frame: Frame) -> list[Solid]:
    """A trunk under a crown of several overlapping clumps."""
    height = rng.uniform(4.5, 9.0)
    crown, base = height * rng.uniform(0.26, 0.36), height * rng.uniform(0.5, 0.6)
    foliage = _leaves(rng, crown)
    trunk = Frustum(frame, 0.035 * height, 0.02 * height, base + 0.3 * crown)
    solids = [Solid(trunk, Bark(pick(rng, _BARKS)), TREE)]
    for _ in range(rng.integers(5, 8)):
        angle, reach = rng.uniform(0, 2 * np.pi), 0.6 * crown
        lift = base + crown * rng.uniform(0.0, 0.9)
        place = frame.offset(reach * np.cos(angle), reach * np.sin(angle), lift)
        radii = crown * np.array([1.0, 1.0, rng.uniform(0.7, 0.9)]) * rng.uniform(0.6, 0.85)
        solids.append(Solid(Ellipsoid(place, radii, ragged=0.085), foliage, TREE))
    return solids


def fir(rng: np.random.Generator, frame: Frame) -> list[Solid]:
    """A short trunk under a stack of ragged cones."""
    height = rng.uniform(4.5, 10.0)
    radius, skirt = height * rng.uniform(0.18, 0.26), 0.12 * height
    needles = Foliage(pick(rng, _NEEDLES), rng.uniform(0, 50), 0.022, height)
    solids = [Solid(Frustum(frame, 0.16, 0.12, skirt * 2), Bark(_BARKS[0]), TREE)]
    tiers = 5
    for tier in range(tiers):
        share = tier / tiers
        place = frame.offset(0, 0, skirt + share * (height - skirt))
        tall = (height - skirt) * (1 - share) * 0.55 + 0.1 * height
        solids.append(
            Solid(Frustum(place, radius * (1 - 0.85 * share), 0.02, tall, ragged=0.1), needles, TREE)
        )
    return solids


def bush(rng: np.random.Generator, frame: Frame) -> list[Solid]:
    """Two or three low clumps of leaves."""
    size = rng.uniform(0.6, 1.2)
    foliage = _leaves(rng, size)
    solids = []
    for _ in range(rng.integers(2, 4)):
        place = frame.offset(rng.uniform(-1, 1) * size, rng.uniform(-1, 1) * size, 0.5 * size)
        radii = size * np.array([1.0, 1.0, 0.8]) * rng.uniform(0.8, 1.1)
        solids.append(Solid(Ellipsoid(place, radii, ragged=0.07), foliage, TREE))
    return solids


def wood(rng: np.random.Generator, frame: Frame, width: float) -> list[Solid]:
    """The edge of a distant wood `width` metres long, along the frame's x axis."""
    solids = []
    for x in np.arange(-width / 2, width / 2, 5.0):
        place = frame.offset(x, rng.uniform(-3, 3), rng.uniform(0, 2))
        radii = np.array([rng.uniform(3.5, 5.5), 3.0, rng.uniform(4, 8)])
        solids.append(Solid(Ellipsoid(place, radii, ragged=0.05), _leaves(rng, 6.0), TREE))
    return solids
