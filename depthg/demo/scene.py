"""A scene: solids on the ground, the weather and the camera; and random ones."""

from dataclasses import dataclass

import numpy as np

from .ground import Ground
from .ground_materials import Grass, Slabs
from .materials import pick, rgb
from .places import car_park, junction, park, street, suburb
from .shapes import Shape
from .site import Site
from .solids import Solid
from .weather import Weather, random_weather

_PLACES = (street, suburb, park, car_park, junction)
_SHARES = (0.20, 0.28, 0.29, 0.13, 0.10)
_LUSH = (rgb(0.30, 0.37, 0.20), rgb(0.27, 0.32, 0.20), rgb(0.38, 0.39, 0.26), rgb(0.43, 0.39, 0.28))
_DRY = (rgb(0.46, 0.42, 0.29), rgb(0.38, 0.38, 0.26), rgb(0.54, 0.49, 0.37), rgb(0.43, 0.37, 0.28))
_SLABS = (rgb(0.56, 0.54, 0.51), rgb(0.62, 0.57, 0.51), rgb(0.48, 0.47, 0.47), rgb(0.56, 0.44, 0.38))


@dataclass(frozen=True)
class Scene:
    """Solids, ground and weather, and the camera: position `eye` [3] in metres, `yaw` and `pitch` in radians."""

    solids: list[Solid]
    ground: Ground
    weather: Weather
    eye: np.ndarray
    yaw: float
    pitch: float

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of the solids, in the same order."""
        return [solid.shape for solid in self.solids]

    @property
    def focus(self) -> tuple[float, float]:
        """Centre (x, y) of the ground in view, in metres: shadows are computed around it."""
        return float(-28 * np.sin(self.yaw)), float(28 * np.cos(self.yaw))


def random_scene(seed: int) -> Scene:
    """A random scene; the same seed gives the same scene."""
    rng = np.random.default_rng(seed)
    site = Site(rng)
    roads = _PLACES[rng.choice(len(_PLACES), p=_SHARES)](site)
    grass = Grass(pick(rng, _LUSH), pick(rng, _DRY), rng.uniform(0, 50))
    slabs = Slabs(pick(rng, _SLABS), rng.uniform(0.4, 0.8))
    return Scene(
        solids=site.solids,
        ground=Ground(grass, slabs, tuple(roads)),
        weather=random_weather(rng),
        eye=np.array([0.0, 0.0, rng.uniform(1.2, 3.0)]),
        yaw=rng.normal(0, 0.35),
        pitch=float(np.deg2rad(rng.uniform(-18, 13))),
    )
