"""Periodic noise images with mip levels, from which all textures are computed."""

from functools import cache

import numpy as np


class NoiseTile:
    """A periodic random image of zero mean and unit variance, sampled with filtering.

    roughness: exponent of the amplitude spectrum, 0 for white noise, 1 and more for clouds.
    """

    SIZE = 256

    def __init__(self, roughness: float, seed: int) -> None:
        levels = [_spectral_noise(self.SIZE, roughness, np.random.default_rng(seed))]
        while len(levels[-1]) > 1:
            half = len(levels[-1]) // 2
            levels.append(levels[-1].reshape(half, 2, half, 2).mean(axis=(1, 3)))
        self._flat = np.concatenate([level.ravel() for level in levels]).astype(np.float32)
        self._size = np.array([len(level) for level in levels], dtype=np.int32)
        self._start = np.concatenate([[0], np.cumsum(self._size**2)[:-1]]).astype(np.int32)

    def sample(self, u: np.ndarray, v: np.ndarray, texel: float, footprint: np.ndarray | float) -> np.ndarray:
        """Noise float32 at positions (u, v) in metres; detail finer than the footprint of a pixel fades to the mean.

        texel: metres per texel; footprint: metres that a pixel covers. Arguments broadcast.
        """
        ratio = np.maximum(np.asarray(footprint, dtype=np.float32) / np.float32(texel), 1.0)
        level = np.minimum(np.log2(ratio) + 0.5, len(self._size) - 1).astype(np.int32)
        size = self._size[level]
        cell = np.float32(texel) * (self.SIZE // size).astype(np.float32)
        return self._bilinear(u / cell, v / cell, self._start[level], size)

    def _bilinear(self, u: np.ndarray, v: np.ndarray, start: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Bilinear look-up at texel coordinates (u, v) of the levels that begin at `start`."""
        column, row = np.floor(u), np.floor(v)
        right, down = u - column, v - row
        mask = size - 1
        left_index, top_index = column.astype(np.int32) & mask, row.astype(np.int32) & mask
        right_index = (left_index + 1) & mask
        top, bottom = start + top_index * size, start + ((top_index + 1) & mask) * size
        flat = self._flat
        upper = flat[top + left_index] * (1 - right) + flat[top + right_index] * right
        lower = flat[bottom + left_index] * (1 - right) + flat[bottom + right_index] * right
        return upper * (1 - down) + lower * down


def _spectral_noise(size: int, roughness: float, rng: np.random.Generator) -> np.ndarray:
    """Periodic Gaussian noise [size, size] with amplitude spectrum 1 / frequency**roughness."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency**roughness
    field = np.fft.irfft2(spectrum, s=(size, size))
    return field / field.std()


@cache
def grain() -> NoiseTile:
    """Nearly white noise: grit, blades of grass, leaves."""
    return NoiseTile(0.35, seed=1)


@cache
def mottle() -> NoiseTile:
    """Noise with all scales: clumps of leaves, dirt, worn patches."""
    return NoiseTile(1.0, seed=2)


@cache
def cloud() -> NoiseTile:
    """Smooth noise with soft structure: clouds."""
    return NoiseTile(1.7, seed=3)


def cell_hash(*cells: np.ndarray) -> np.ndarray:
    """A random number in [0, 1), float32, for each tuple of integer indices: equal indices, equal numbers."""
    value = np.zeros(np.broadcast_shapes(*(cell.shape for cell in cells)), dtype=np.uint32)
    for cell in cells:
        value = (value ^ cell.astype(np.int64).astype(np.uint32)) * np.uint32(0x9E3779B1)
        value ^= value >> np.uint32(15)
    return ((value >> np.uint32(8)) & np.uint32(0xFFFF)).astype(np.float32) / np.float32(65536.0)
