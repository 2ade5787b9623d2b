"""What stands along the roads: town houses, detached houses and board fences."""

import numpy as np

from .classes import BUILDING, FENCE
from .facade import Facade, Tiles
from .materials import Boards, Paint, pick, rgb
from .rays import Frame
from .solids import Solid, box, gabled, roof_slab

_WALLS = (
    rgb(0.78, 0.74, 0.66),
    rgb(0.70, 0.70, 0.69),
    rgb(0.80, 0.70, 0.52),
    rgb(0.60, 0.58, 0.55),
    rgb(0.72, 0.60, 0.52),
    rgb(0.62, 0.66, 0.70),
    rgb(0.62, 0.66, 0.54),
    rgb(0.52, 0.60, 0.68),
    rgb(0.46, 0.47, 0.48),
    rgb(0.54, 0.52, 0.36),
    rgb(0.82, 0.82, 0.82),
)
_BRICKS = (rgb(0.56, 0.34, 0.27), rgb(0.62, 0.46, 0.36), rgb(0.48, 0.33, 0.29))
_ROOFS = (rgb(0.55, 0.30, 0.24), rgb(0.36, 0.35, 0.37), rgb(0.42, 0.31, 0.27), rgb(0.48, 0.42, 0.38))
_TRIMS = (rgb(0.9, 0.9, 0.88), rgb(0.8, 0.78, 0.72), rgb(0.42, 0.36, 0.32))
_WOODS = (
    rgb(0.50, 0.37, 0.25),
    rgb(0.42, 0.32, 0.25),
    rgb(0.58, 0.54, 0.48),
    rgb(0.62, 0.47, 0.30),
    rgb(0.80, 0.79, 0.75),
    rgb(0.34, 0.38, 0.30),
)
_POST_STEP = 2.4  # metres between the posts of a fence


def _facade(rng: np.random.Generator, width: float, depth: float, storeys: int, storey: float) -> Facade:
    """Walls in a random style."""
    brick = bool(rng.random() < 0.35)
    colours = _BRICKS if brick else _WALLS
    return Facade(
        wall=pick(rng, colours),
        trim=pick(rng, _TRIMS),
        width=width,
        depth=depth,
        storeys=storeys,
        storey=storey,
        bay=rng.uniform(2.0, 3.2),
        window=(rng.uniform(0.9, 1.5), rng.uniform(1.2, 1.8)),
        brick=brick,
        seed=int(rng.integers(1 << 16)),
    )


def block(rng: np.random.Generator, frame: Frame, width: float, depth: float) -> list[Solid]:
    """A town house of two to five storeys, with a flat roof and cornice or with a pitched roof."""
    storeys, storey = int(rng.integers(2, 6)), rng.uniform(2.8, 3.4)
    if rng.random() < 0.4:
        return _pitched(rng, frame, width, depth, storeys, storey)
    height = storeys * storey + 0.4
    walls = _facade(rng, width, depth, storeys, storey)
    top = frame.offset(0, 0, height)
    cornice = box(top, width + 0.5, depth + 0.5, 0.45)
    return [
        Solid(box(frame, width, depth, height), walls, BUILDING),
        Solid(cornice, Paint(walls.trim * 0.8), BUILDING),
    ]


def house(rng: np.random.Generator, frame: Frame, width: float, depth: float) -> list[Solid]:
    """A detached house of one or two storeys under a pitched roof."""
    return _pitched(rng, frame, width, depth, int(rng.integers(1, 3)), rng.uniform(2.7, 3.1))


def _pitched(
    rng: np.random.Generator, frame: Frame, width: float, depth: float, storeys: int, storey: float
) -> list[Solid]:
    """Walls, two roof slopes and a chimney; every second gable faces the street, at random."""
    if rng.random() < 0.5:
        frame, width, depth = frame.offset(0, 0, 0, np.pi / 2), depth, width
    eaves = storeys * storey + 0.3
    ridge = eaves + width * rng.uniform(0.28, 0.5)
    roof = Tiles(pick(rng, _ROOFS))
    body = gabled(frame, width, depth, eaves, ridge)
    slopes = [roof_slab(frame, side, width, depth, eaves, ridge) for side in (-1, 1)]
    chimney = box(frame.offset(0.2 * width, 0.3 * depth, eaves), 0.7, 0.7, ridge - eaves + 0.5)
    return [
        Solid(body, _facade(rng, width, depth, storeys, storey), BUILDING),
        *(Solid(slope, roof, BUILDING) for slope in slopes),
        Solid(chimney, Paint(_BRICKS[0]), BUILDING),
    ]


def fence(rng: np.random.Generator, frame: Frame, length: float, height: float) -> list[Solid]:
    """A fence `length` metres along the frame's x axis, centred on its origin."""
    wood = pick(rng, _WOODS)
    boards = Boards(wood, rng.uniform(0.13, 0.2))
    solids = [Solid(box(frame, length, 0.06, height), boards, FENCE)]
    count = max(round(length / _POST_STEP), 1)
    for x in np.linspace(-length / 2, length / 2, count + 1):
        post = box(frame.offset(x, 0.0), 0.14, 0.14, height + 0.12)
        solids.append(Solid(post, Paint(wood * 0.85), FENCE))
    return solids
