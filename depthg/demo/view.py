"""Rendering: an image of the demo with its labels and depth."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from .camera import pinhole
from .classes import FAR
from .scene import random_scene
from .shading import shade

_SAMPLES = 2  # rays per pixel in each direction


@dataclass(frozen=True)
class View:
    """An image and its ground truth, at a quarter of a pixel up and left of the pixels' centres.

    Attributes:
        image: uint8 [H, W, 3].
        label: indices into `CLASSES`, uint8 [H, W].
        depth: metres along the optical axis, at most `FAR`, float32 [H, W].
    """

    image: np.ndarray
    label: np.ndarray
    depth: np.ndarray


def render(seed: int, height: int = 240, width: int = 320) -> View:
    """Render the random scene of a seed; the same seed gives the same bytes."""
    scene = random_scene(seed)
    grid = pinhole(scene.eye, scene.yaw, scene.pitch, _SAMPLES * height, _SAMPLES * width)
    colour, label, t = shade(scene, grid)
    depth = np.minimum(t[::_SAMPLES, ::_SAMPLES], np.float32(FAR))
    image = _develop(colour, np.random.default_rng([seed, 1]))
    return View(image, np.ascontiguousarray(label[::_SAMPLES, ::_SAMPLES]), np.ascontiguousarray(depth))


def _develop(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Linear samples [3, sH, sW] → image uint8 [H, W, 3], with exposure, saturation, blur and noise of a camera."""
    height, width = (size // _SAMPLES for size in colour.shape[1:])
    exposed = colour * _exposure(colour, rng)
    # Clip before averaging, as a bright sky would otherwise eat into what stands before it.
    pixels = np.clip(exposed, 0, 1).reshape(3, height, _SAMPLES, width, _SAMPLES).mean(axis=(2, 4))
    grey = pixels.mean(axis=0)
    pixels = grey + (pixels - grey) * np.float32(rng.uniform(0.55, 1.0))
    display = np.sqrt(gaussian_filter(pixels, (0, 0.45, 0.45))).transpose(1, 2, 0)
    noisy = display + rng.normal(0, 0.012, display.shape).astype(np.float32)
    return np.rint(255 * np.clip(noisy, 0, 1)).astype(np.uint8)


def _exposure(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gain [3, 1, 1] that brings the mean to a medium grey, with a slightly warm or cool white balance."""
    gain = 0.26 / max(float(np.mean(np.minimum(colour, 1.2))), 0.05)
    warm = rng.normal(0, 0.06)
    balance = 1 + np.array([warm, 0.2 * rng.normal(0, 0.1), -warm])
    exposure = np.clip(gain, 0.6, 1.8) * rng.uniform(0.75, 1.3) * balance
    return exposure.astype(np.float32)[:, None, None]
