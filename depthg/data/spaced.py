"""A choice of places that is the same on every machine: evenly spaced, from the first to the last."""

import numpy as np


def evenly_spaced(count: int, most: int, first: int = 0) -> list[int]:
    """Up to `most` of `count` whole numbers from `first` on, evenly spaced from the first to the last.

    Example:
        >>> evenly_spaced(10, 4)
        [0, 3, 6, 9]
    """
    return np.unique(np.linspace(first, first + count - 1, min(most, count)).round().astype(int)).tolist()
