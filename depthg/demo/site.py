"""A building site: collects solids and keeps them from standing in each other or in the camera."""

import numpy as np

from .buildings import block, fence, house
from .cars import car
from .rays import Frame
from .solids import Solid
from .vegetation import broadleaf, bush, fir, wood

_CLEARANCE = 1.6  # radius around the camera that stays empty, metres


class Site:
    """The solids of a place around the camera at (0, 0); one that would overlap others is left out."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.solids: list[Solid] = []
        self._taken = np.array([[0.0, 0.0, _CLEARANCE]])

    def house(self, frame: Frame, width: float, depth: float) -> None:
        """A detached house."""
        if self._claim(frame, 0.9 * width, 0.9 * depth):
            self.solids += house(self.rng, frame, width, depth)

    def block(self, frame: Frame, width: float, depth: float) -> None:
        """A town house; neighbours may touch."""
        if self._claim(frame, 0.9 * width, 0.9 * depth):
            self.solids += block(self.rng, frame, width, depth)

    def car(self, frame: Frame) -> None:
        """A car."""
        if self._claim(frame, 1.7, 3.8):
            self.solids += car(self.rng, frame)

    def tree(self, frame: Frame, share_of_firs: float = 0.3) -> None:
        """A tree."""
        if self._claim(frame, 2.2, 2.2):
            build = fir if self.rng.random() < share_of_firs else broadleaf
            self.solids += build(self.rng, frame)

    def bush(self, frame: Frame) -> None:
        """A bush."""
        if self._claim(frame, 1.8, 1.8):
            self.solids += bush(self.rng, frame)

    def fence(self, frame: Frame, length: float) -> None:
        """A fence along the frame's x axis."""
        if self._claim(frame, length, 0.6):
            self.solids += fence(self.rng, frame, length, self.rng.uniform(1.2, 1.9))

    def wood(self, frame: Frame, width: float) -> None:
        """The edge of a far wood, even where something else is."""
        self.solids += wood(self.rng, frame, width)

    def _claim(self, frame: Frame, width: float, depth: float) -> bool:
        """Reserve a rectangle of the ground, as a row of discs; returns False if any of it is taken already."""
        thick, long = min(width, depth), max(width, depth)
        steps = np.linspace((thick - long) / 2, (long - thick) / 2, max(int(np.ceil(long / thick)), 1))
        axis = frame.axes[0 if width > depth else 1]
        discs = np.column_stack(
            [frame.position[:2] + steps[:, None] * axis[:2], np.full(len(steps), thick / 2)]
        )
        gaps = np.linalg.norm(discs[:, None, :2] - self._taken[:, :2], axis=2)
        if (gaps < discs[:, None, 2] + self._taken[:, 2]).any():
            return False
        self._taken = np.vstack([self._taken, discs])
        return True
