"""Tokens in a store: float16, or int8 with one scale per token, in half the bytes.

An int8 store has `tokens` int8 [M, h, w, C] and `scales` float16 [M, h, w]; a value is their product. No value is
off by more than half a step of 1/127 of the largest of its token.
"""

import numpy as np
import torch
from torch import Tensor

from depthg.config.sections import Stored
from depthg.store.arrays import Array, Rows
from depthg.store.reader import Store

STEPS = 127  # on each side of 0; −128 is left for chunks that were never written


def token_arrays(shape: tuple[int, ...], stored: Stored) -> dict[str, Array]:
    """The arrays of a store of tokens [h, w, C]."""
    tokens = {"tokens": Array(shape, stored, compress=False)}
    return tokens if stored == "float16" else tokens | {"scales": Array(shape[:2], "float16", compress=False)}


def packed(tokens: Tensor, stored: Stored) -> dict[str, Tensor]:
    """The values of these arrays for tokens float32 [B, h, w, C], on the same device: fewer bytes to copy back."""
    if stored == "float16":
        return {"tokens": tokens.half()}
    scales = _scales(tokens.abs().amax(-1))
    steps = torch.where(scales > 0, scales, 1).float()[..., None]
    return {"tokens": (tokens / steps).round().to(torch.int8), "scales": scales}


def unpacked(tokens: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Tokens float32 [B, h, w, C] of int8 [B, h, w, C] and scales float16 [B, h, w]."""
    return np.multiply(tokens, scales[..., None].astype(np.float32), dtype=np.float32)


def _scales(largest: Tensor) -> Tensor:
    """The smallest float16 scale with which 127 steps reach the largest value of each token."""
    scales = (largest / STEPS).half()
    short = scales.float() * STEPS < largest
    return (scales.view(torch.int16) + short).view(torch.float16)  # the next float16 has the next bits


class TokenStore(Store):
    """A complete store whose `tokens` are read as floats, from float16 or int8.

    Args:
        path: folder of the store, or its marker file.

    Raises:
        DepthGError: the store is missing or incomplete.
    """

    def read(self, name: str, rows: Rows = slice(None)) -> np.ndarray:
        """Rows of one array; tokens as float16, or float32 from int8. See `Store.read`."""
        values = super().read(name, rows)
        return unpacked(values, super().read("scales", rows)) if values.dtype == np.int8 else values

    def take(self, name: str, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Tokens [B, n, C] of rows, as `read` gives them. See `Store.take`."""
        values = super().take(name, rows, at)
        return unpacked(values, super().take("scales", rows, at)) if values.dtype == np.int8 else values

    def _checked(self, name: str, values: np.ndarray) -> np.ndarray:
        if values.dtype == np.int8 and (values.reshape(len(values), -1)[:, :1] < -STEPS).any():
            raise self._missing(f"rows of '{name}' are")
        return super()._checked(name, values)
