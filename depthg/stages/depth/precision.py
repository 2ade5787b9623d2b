"""What a depth network computes with on a card: float16 where no map shows it."""

import numpy as np

from depthg.stages.depth.source import min_max

HALF_STEP = 1 / 510  # of the 8 bits in which the released code keeps maps


def map_error(maps: np.ndarray, exact: np.ndarray) -> float:
    """Largest difference between maps [B, H, W] and exact ones, each scaled to [0, 1]; infinite if one cannot be."""
    pairs = [(min_max(first), min_max(second)) for first, second in zip(maps, exact, strict=True)]
    errors = [np.inf if a is None or b is None else np.abs(a - b).max() for a, b in pairs]
    return float(max(errors))


def precision_for(error: float) -> str:
    """The precision of a network whose float16 maps differ from its float32 maps by at most `error`.

    Example:
        >>> precision_for(0.0004), precision_for(0.002), precision_for(float("inf"))
        ('float16', 'float32', 'float32')
    """
    return "float16" if error < HALF_STEP else "float32"
