"""Which tokens a step samples, and where it reads tokens and depth; first in each table is the paper's choice."""

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor
from torch.nn import functional

from depthg.training.batch import gather_tokens
from depthg.training.inputs import Inputs

Sampler = Callable[[Inputs, np.ndarray, int, np.random.Generator], np.ndarray]
Place = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
Reader = Callable[[Tensor, Tensor], Tensor]


def farthest_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The first `count` tokens of the farthest-point order (Sec. 3.4), int64 [B, count]."""
    return inputs.required_geometry.read("order", rows)[:, :count].astype(np.int64)


def random_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Tokens of each crop drawn uniformly without replacement, int64 [B, count]."""
    return rng.random((len(rows), inputs.tokens)).argsort(axis=1)[:, :count]


def all_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """All P tokens, regardless of `count`: int64 [B, P]."""
    return np.tile(np.arange(inputs.tokens), (len(rows), 1))


# Setting `sampling` → Sampler: (inputs, rows, count, rng) → token indices int64 [B, count]. To add one: its name in
# TrainSettings (and in `needs_geometry` if it reads depth), a line here.
SAMPLERS: dict[str, Sampler] = {"fps": farthest_tokens, "random": random_tokens, "full": all_tokens}


def as_sampled(at: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The sampled token indices int64 [B, n], unchanged."""
    return at


def transposed(at: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """As released: row and column are exchanged, so that tokens are read at the transposed position.

    Args:
        at: indices of the sampled tokens, int64 [B, n].
        grid: rows and columns of tokens (h, w), with h = w.

    Returns:
        int64 [B, n].
    """
    row, column = np.divmod(at, grid[1])
    return column * grid[1] + row


# Setting `tokens_at` → Place: (at int64 [B, n], grid) → int64 [B, n]. To add one: its TrainSettings name, a line here.
TOKENS_AT: dict[str, Place] = {"samples": as_sampled, "transposed": transposed}


def depth_at_samples(maps: Tensor, at: Tensor) -> Tensor:
    """Values of maps [B, h, w, …] at the sampled token indices int64 [B, n]: [B, n, …]."""
    return gather_tokens(maps.flatten(1, 2), at)


def depth_on_grid(maps: Tensor, at: Tensor) -> Tensor:
    """As released: depth resized bilinearly to a regular N×N grid, regardless of which tokens were sampled.

    Args:
        maps: float [B, h, w, D].
        at: indices of the sampled tokens, int64 [B, N²]; only their number is used.

    Returns:
        float [B, N², D].
    """
    side = math.isqrt(at.shape[1])
    grid = functional.interpolate(maps.movedim(-1, 1), (side, side), mode="bilinear", align_corners=False)
    return grid.flatten(2).transpose(1, 2)


# Setting `depth_at` → Reader: (maps [B, h, w, D], at int64 [B, n]) → [B, n, D]. To add one: as for TOKENS_AT.
DEPTH_AT: dict[str, Reader] = {"samples": depth_at_samples, "grid": depth_on_grid}
