"""Which tokens a step samples, and where it reads tokens and depth; first in each table is the paper's choice.

A sample is a token, int64 index row · w + column, or a place between tokens, float64 (row, column) with token (i, j) at
(i, j). At a place, features, codes and depth are read bilinearly (`corners`).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from depthg.training.batch import gather_tokens, mix
from depthg.training.inputs import Inputs

Sampler = Callable[[Inputs, np.ndarray, int, np.random.Generator], np.ndarray]
Place = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
Reader = Callable[[Tensor, Tensor], Tensor]


def farthest_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The first `count` tokens of the farthest-point order (Sec. 3.4), int64 [B, count]."""
    order = inputs.memory.values(inputs.required_geometry, "order", rows)
    return order[:, :count].astype(np.int64)


def random_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Tokens of each crop drawn uniformly without replacement, int64 [B, count]."""
    return rng.random((len(rows), inputs.tokens)).argsort(axis=1)[:, :count]


def all_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """All P tokens, regardless of `count`: int64 [B, P]."""
    return np.tile(np.arange(inputs.tokens), (len(rows), 1))


def continuous_places(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places drawn uniformly between the first and the last row and column (STEGO), float64 [B, count, 2]."""
    return rng.random((len(rows), count, 2)) * (np.array(inputs.grid) - 1)


# Setting `sampling` → Sampler: (inputs, rows, count, rng) → token indices int64 [B, count], or places float64
# [B, count, 2]. To add one: its name in TrainSettings (and in `needs_geometry` if it reads depth), a line here.
SAMPLERS: dict[str, Sampler] = {
    "fps": farthest_tokens,
    "random": random_tokens,
    "full": all_tokens,
    "continuous": continuous_places,
}


def as_sampled(at: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The samples, unchanged."""
    return at


def scaled_places(at: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """As released: token (i, j) is read at (i·(h − 1)/h, j·(w − 1)/w); places are unchanged.

    Theirs gives i/h·2 − 1 to a bilinear read that takes −1 and 1 for the centres of the first and the last token.

    Args:
        at: indices of the sampled tokens, int64 [B, n], or places float64 [B, n, 2].
        grid: rows and columns of tokens (h, w).

    Returns:
        float64 [B, n, 2].
    """
    if at.dtype.kind == "f":
        return at
    size = np.array(grid)
    return np.stack(np.divmod(at, grid[1]), axis=-1) * (size - 1) / size


# Setting `reads` → Place: (samples, grid) → samples. To add one: its name in TrainSettings, a line here.
READS: dict[str, Place] = {"tokens": as_sampled, "bilinear": scaled_places}


def transposed(at: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """As released: row and column are exchanged, so that tokens are read at the transposed position.

    Args:
        at: indices of the sampled tokens, int64 [B, n], or places float64 [B, n, 2].
        grid: rows and columns of tokens (h, w), with h = w.

    Returns:
        Samples of the same kind.
    """
    if at.dtype.kind == "f":
        return at[..., ::-1].copy()
    row, column = np.divmod(at, grid[1])
    return column * grid[1] + row


# Setting `tokens_at` → Place: (samples, grid) → samples of the same kind. To add one: as for READS.
TOKENS_AT: dict[str, Place] = {"samples": as_sampled, "transposed": transposed}


def corners(places: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The four tokens around each place, and their weights in a bilinear read.

    Args:
        places: (row, column) in 0 … h − 1 and 0 … w − 1, float [B, n, 2].
        grid: rows and columns of tokens (h, w), at least two of each.

    Returns:
        Token indices int64 [B, n, 4], distinct within a row; weights float32 [B, n, 4], which sum to 1.

    Example:
        >>> corners(torch.tensor([[[0.0, 1.25]]]), (2, 3))
        (tensor([[[1, 2, 4, 5]]]), tensor([[[0.7500, 0.2500, 0.0000, 0.0000]]]))
    """
    # Numbers, not a tensor of them: to send that would wait for a GPU.
    row, column = (
        place.long().clamp(0, count - 2) for place, count in zip(places.unbind(-1), grid, strict=True)
    )
    down, right = places[..., 0] - row, places[..., 1] - column
    token = row * grid[1] + column
    ids = torch.stack([token, token + 1, token + grid[1], token + grid[1] + 1], dim=-1)
    weights = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    return ids, torch.stack(weights, dim=-1).float()


def depth_at_samples(maps: Tensor, at: Tensor) -> Tensor:
    """Values of maps [B, h, w, D] at the samples, int64 [B, n] or float64 [B, n, 2]: [B, n, D]."""
    values = maps.flatten(1, 2)
    if not at.is_floating_point():
        return gather_tokens(values, at)
    ids, weights = corners(at, (maps.shape[1], maps.shape[2]))
    return mix(values, ids, weights)


def depth_on_grid(maps: Tensor, at: Tensor) -> Tensor:
    """As released: depth resized bilinearly to a regular N×N grid from corner to corner, whatever was sampled.

    Args:
        maps: float [B, h, w, D].
        at: samples, int64 [B, N²] or float64 [B, N², 2]; only their number is used.

    Returns:
        float [B, N², D].
    """
    side = math.isqrt(at.shape[1])
    grid = functional.interpolate(maps.movedim(-1, 1), (side, side), mode="bilinear", align_corners=True)
    return grid.flatten(2).transpose(1, 2)


# Setting `depth_at` → Reader: (maps [B, h, w, D], samples) → [B, n, D]. To add one: as for READS.
DEPTH_AT: dict[str, Reader] = {"samples": depth_at_samples, "grid": depth_on_grid}
