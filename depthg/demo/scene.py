"""What a picture is taken of, and from where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .ground import Ground
from .shapes import Shape
from .solids import Solid
from .weather import Weather


@dataclass(frozen=True)
class Scene:
    """Solids on the ground in a weather, and the pose of the camera at `eye` [3] (radians)."""

    solids: list[Solid]
    ground: Ground
    weather: Weather
    eye: np.ndarray
    yaw: float
    pitch: float

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of the solids, in their order."""
        return [solid.shape for solid in self.solids]

    @property
    def focus(self) -> tuple[float, float]:
        """(x, y) in metres of the ground some way in front of the camera, where shadows matter."""
        return float(-28 * np.sin(self.yaw)), float(28 * np.cos(self.yaw))
