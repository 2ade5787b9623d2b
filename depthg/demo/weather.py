"""Weather: the sun, the sky with its clouds, and haze."""

from dataclasses import dataclass

import numpy as np

from .materials import blend, rgb
from .noise import cloud

_CLEAR = (rgb(0.36, 0.55, 0.80), rgb(0.74, 0.82, 0.88))
_OVERCAST = (rgb(0.60, 0.62, 0.64), rgb(0.72, 0.72, 0.72))
_WARM, _WHITE = rgb(1.0, 0.90, 0.76), rgb(1.0, 0.97, 0.92)
_CLOUD = rgb(0.93, 0.93, 0.94)


@dataclass(frozen=True)
class Weather:
    """The light of a scene; colours are linear RGB [3, 1].

    Attributes:
        towards_sun: unit vector [3].
        sun: colour of sunlight, weak when overcast.
        zenith, horizon: colours of the sky.
        clouds: their share of the sky, 0..1.
        haze: extinction in 1/m.
    """

    towards_sun: np.ndarray
    sun: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    clouds: float
    haze: float
    seed: float

    def gradient(self, directions: np.ndarray) -> np.ndarray:
        """Sky without clouds in unit directions [3, N]."""
        height = np.clip(directions[2], 0, 1)
        return blend(self.horizon, self.zenith, height**0.55)

    def sky(self, directions: np.ndarray) -> np.ndarray:
        """Sky with clouds in unit directions [3, N] above the horizon."""
        height = np.maximum(directions[2], 0.02) + 0.12
        u, v = directions[0] / height, directions[1] / height
        footprint = (0.004 / height**2).astype(np.float32)
        shape = cloud().sample(u + self.seed, v, 0.035, footprint)
        inner = cloud().sample(u + 0.1 * self.towards_sun[0], v + self.seed, 0.02, footprint)
        amount = np.clip((shape + 3.2 * self.clouds - 1.7) * 0.9, 0, 1)
        light = 0.86 + 0.1 * inner - 0.12 * amount * self.clouds
        white = blend(self.horizon, _CLOUD, np.full_like(amount, 0.6)) * light
        return blend(self.gradient(directions), white, amount * np.clip(directions[2] * 9, 0.2, 1))

    @property
    def ambient(self) -> np.ndarray:
        """Light of the whole sky on a surface that faces up, [3, 1]."""
        return 0.55 * self.zenith + 0.45 * self.horizon


def random_weather(rng: np.random.Generator) -> Weather:
    """Sun 22 to 60 degrees high; the more clouds, the greyer the sky and the weaker the sun."""
    elevation, azimuth = np.deg2rad(rng.uniform(22, 60)), rng.uniform(0, 2 * np.pi)
    flat = np.cos(elevation)
    towards = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
    clouds = rng.uniform(0.15, 1.0)
    grey = np.float32(clouds**2)
    zenith, horizon = (a + (b - a) * grey for a, b in zip(_CLEAR, _OVERCAST, strict=True))
    warmth = np.float32(rng.uniform(0, 1) * (60 - np.rad2deg(elevation)) / 38)
    tint = _WHITE + (_WARM - _WHITE) * warmth
    return Weather(
        towards_sun=towards,
        sun=tint * np.float32(1.7 * (1 - 0.9 * grey)),
        zenith=zenith,
        horizon=horizon * (1 + 0.3 * (tint - _WHITE)),
        clouds=clouds,
        haze=rng.uniform(0.001, 0.006),
        seed=rng.uniform(0, 8),
    )
