"""Board fences."""

from __future__ import annotations

import numpy as np

from .classes import FENCE
from .materials import Boards, Paint, pick, rgb
from .rays import Frame
from .solids import Solid, box

_WOODS = (
    rgb(0.50, 0.37, 0.25),
    rgb(0.42, 0.32, 0.25),
    rgb(0.58, 0.54, 0.48),
    rgb(0.62, 0.47, 0.30),
    rgb(0.80, 0.79, 0.75),
    rgb(0.34, 0.38, 0.30),
)
_POST_STEP = 2.4


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
