"""Which tokens of a crop a step samples, and where it reads them and depth. First in each table: the paper's way."""

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor
from torch.nn import functional

from depthg.training.batch import take
from depthg.training.inputs import Inputs

Sampler = Callable[[Inputs, np.ndarray, int, np.random.Generator], np.ndarray]
Place = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
Reader = Callable[[Tensor, Tensor], Tensor]


def farthest_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The first tokens of the farthest-point order (Sec. 3.4): int64 [B, count]."""
    return inputs.required_geometry.read("order", rows)[:, :count].astype(np.int64)


def random_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Tokens of each crop drawn uniformly without replacement, anew at every step: int64 [B, count]."""
    return rng.random((len(rows), inputs.tokens)).argsort(axis=1)[:, :count]


def all_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Every token, whatever the count: int64 [B, P]."""
    return np.tile(np.arange(inputs.tokens), (len(rows), 1))


# By name in `sampling`: (inputs, rows, count, rng) → tokens int64 [B, count]. To add one: its name in TrainSettings
# (in needs_geometry, too, if it reads depth), and a line here.
SAMPLERS: dict[str, Sampler] = {"fps": farthest_tokens, "random": random_tokens, "full": all_tokens}


def as_sampled(at: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Tokens are read where they were sampled: int64 [B, n]."""
    return at


def transposed(at: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """As released: (row, column) taken for (x, y), so that tokens are read at the mirrored place.

    Args:
        at: sampled tokens int64 [B, n].
        grid: rows and columns, equal.

    Returns:
        int64 [B, n].
    """
    row, column = np.divmod(at, grid[1])
    return column * grid[1] + row


PLACES: dict[str, Place] = {"samples": as_sampled, "transposed": transposed}


def depth_at_samples(maps: Tensor, at: Tensor) -> Tensor:
    """Values of maps [B, h, w, …] at the sampled tokens int64 [B, n]: [B, n, …]."""
    return take(maps.flatten(1, 2), at)


def depth_on_grid(maps: Tensor, at: Tensor) -> Tensor:
    """As released: depth on a regular N×N grid, bilinear, whatever the tokens sampled.

    Args:
        maps: float [B, h, w, D].
        at: sampled tokens int64 [B, N²], of which only the number counts.

    Returns:
        float [B, N², D].
    """
    side = math.isqrt(at.shape[1])
    grid = functional.interpolate(maps.movedim(-1, 1), (side, side), mode="bilinear", align_corners=False)
    return grid.flatten(2).transpose(1, 2)


DEPTHS: dict[str, Reader] = {"samples": depth_at_samples, "grid": depth_on_grid}
