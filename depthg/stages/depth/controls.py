"""Depth replaced or rescaled before geometry is made of it: controls, and the ranges of the released code."""

from collections.abc import Callable

import numpy as np
from torch import Tensor, linspace

from depthg.store.reader import Store

Control = Callable[[Store, range], np.ndarray]


def own(maps: Store, rows: range) -> np.ndarray:
    """The depth of the crops themselves, float16 [B, H, W]."""
    return maps.read("depth", rows)


def plane(maps: Store, rows: range) -> np.ndarray:
    """A ground that rises to the horizon: near at the bottom, far at the top, the same for every crop."""
    height, width = maps.array("depth").shape[1:]
    column = linspace(1, 0, height).half().numpy()
    return np.broadcast_to(column[:, None], (len(rows), height, width)).copy()


def shuffled(maps: Store, rows: range) -> np.ndarray:
    """The depth of another image: half the set away, at the same place of its image where those are five-cropped."""
    away = max(5, len(maps) // 10 * 5)
    return maps.read("depth", [(row + away) % len(maps) for row in rows])


def inverted(maps: Store, rows: range) -> np.ndarray:
    """1 − d: near for far."""
    return 1 - own(maps, rows)


CONTROLS: dict[str, Control] = {"none": own, "plane": plane, "shuffled": shuffled, "inverted": inverted}


def unit_depth(depth: Tensor) -> Tensor:
    """Depth float [...] in [0, 1], as it is."""
    return depth


def byte_depth(depth: Tensor) -> Tensor:
    """As released for five-cropped sets: 0 … 255."""
    return depth * 255


def integer_depth(depth: Tensor) -> Tensor:
    """As released for Potsdam: cast to whole numbers, so 0 nearly everywhere."""
    return depth.floor()


VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "unit": unit_depth,
    "bytes": byte_depth,
    "integers": integer_depth,
}
