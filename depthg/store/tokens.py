"""Stores of backbone tokens: float16, or quantised to int8 with one scale per token, in half the space.

An int8 store has `tokens` int8 [M, h, w, C] and `scales` float16 [M, h, w]; a value is their product. The quantisation
error is at most half a step, where a step is 1/127 of the largest absolute value of the token.
"""

import numpy as np
import torch
from torch import Tensor

from depthg.config.sections import Stored
from depthg.store.arrays import Array, Rows
from depthg.store.reader import Store

STEPS = 127  # on each side of 0; −128 fills chunks that were never written


def token_arrays(shape: tuple[int, ...], stored: Stored) -> dict[str, Array]:
    """The array layouts of a token store whose rows are [h, w, C]."""
    tokens = {"tokens": Array(shape, stored, compress=False)}
    return tokens if stored == "float16" else tokens | {"scales": Array(shape[:2], "float16", compress=False)}


def packed(tokens: Tensor, stored: Stored) -> dict[str, Tensor]:
    """The values to write for tokens float32 [B, h, w, C], computed on their device: fewer bytes to copy to the CPU."""
    if stored == "float16":
        return {"tokens": tokens.half()}
    scales = _scales(tokens.abs().amax(-1))
    steps = torch.where(scales > 0, scales, 1).float()[..., None]
    return {"tokens": (tokens / steps).round().to(torch.int8), "scales": scales}


def unpacked(tokens: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Tokens float32 [..., C] from int8 [..., C] and scales float16 [...]."""
    return tokens * scales[..., None].astype(np.float32)


def as_stored(tokens: Tensor, stored: Stored) -> Tensor:
    """Tokens float32 [B, h, w, C] as they are after they were written to a store and read again."""
    kept = packed(tokens, stored)
    values = kept["tokens"].float()
    return values * kept["scales"].float()[..., None] if "scales" in kept else values


def _scales(largest: Tensor) -> Tensor:
    """The smallest float16 scale of each token such that 127 steps reach its largest value, float32 [...]."""
    scales = (largest / STEPS).half()
    short = scales.float() * STEPS < largest
    return (scales.view(torch.int16) + short).view(torch.float16)  # the next float16 is the next integer


def backbone_of(features: Store) -> str | None:
    """What tells the backbone of a feature store: the hash of its weights, or of the axes it is projected on."""
    return features.provenance.get("weights") or features.provenance.get("axes")


class TokenStore(Store):
    """A complete store whose `tokens` are read as floats, whether stored as float16 or int8.

    Args:
        path: folder of the store, or its marker file.

    Raises:
        DepthGError: the store is missing or incomplete.

    Example:
        >>> features = TokenStore(Path("resources/demo/train/features/demo_vit8.zarr"))
        >>> features.take("tokens", np.array([0, 3]), np.array([[0, 1], [5, 9]])).shape
        (2, 2, 192)
    """

    @property
    def mirrored(self) -> bool:
        """Whether the tokens are of mirrored crops (mirrored back), as the provenance says."""
        return bool(self.provenance.get("mirrored"))

    def read(self, name: str, rows: Rows = slice(None)) -> np.ndarray:
        """Rows of one array; tokens as float16, or as float32 if stored as int8. See `Store.read`."""
        values = super().read(name, rows)
        return unpacked(values, super().read("scales", rows)) if values.dtype == np.int8 else values

    def take(self, name: str, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Selected tokens [B, n, C] in the dtype that `read` returns. See `Store.take`."""
        values = super().take(name, rows, at)
        return unpacked(values, super().take("scales", rows, at)) if values.dtype == np.int8 else values
