"""Depth replaced (control experiments) or rescaled (as in the released code) before geometry is computed from it."""

from collections.abc import Callable

import numpy as np
from torch import Tensor, linspace

from depthg.errors import DepthGError
from depthg.store.reader import Store

Control = Callable[[Store, range], np.ndarray]
Scaling = Callable[[Tensor], Tensor]


def own(maps: Store, rows: range) -> np.ndarray:
    """The depth of the crops themselves, float16 [B, H, W]."""
    return maps.read("depth", rows)


def plane(maps: Store, rows: range) -> np.ndarray:
    """A ground plane, the same for every crop: depth 0 (near) in the bottom row, 1 (far) in the top row."""
    height, width = maps.shape("depth")
    column = linspace(1, 0, height).half().numpy()
    return np.broadcast_to(column[:, None], (len(rows), height, width)).copy()


def shuffled(maps: Store, rows: range) -> np.ndarray:
    """The depth of another crop, about half the data set away; with five-crop, from the same region of its image.

    Of scheduled crops, which are not in fives, from any region.

    Raises:
        DepthGError: there are so few crops, five or one, that it would be the crop's own depth.
    """
    away = max(5, len(maps) // 10 * 5)
    if away % len(maps) == 0:
        raise DepthGError(
            f"{maps.path}: {len(maps)} crops: control: shuffled needs the depth of other images: add images"
        )
    return maps.read("depth", [(row + away) % len(maps) for row in rows])


def inverted(maps: Store, rows: range) -> np.ndarray:
    """Inverted depth 1 − d: near and far exchanged."""
    return 1 - own(maps, rows)


# Setting `control` of `geometries` → Control: (depth store, rows) → float16 [B, H, W] in [0, 1], far = 1. To add one:
# its name in GeometrySettings, a line here, a test.
CONTROLS: dict[str, Control] = {"none": own, "plane": plane, "shuffled": shuffled, "inverted": inverted}


def unit_depth(depth: Tensor) -> Tensor:
    """Depth float [...] in [0, 1], unchanged."""
    return depth


def byte_depth(depth: Tensor) -> Tensor:
    """Depth float [...] scaled to 0 … 255, as released for five-cropped data sets."""
    return depth * 255


def integer_depth(depth: Tensor) -> Tensor:
    """Depth float [...] rounded down to integers, as released for Potsdam: 0 nearly everywhere."""
    return depth.floor()


# Setting `depth_values` of `geometries` → function of depth float [...] in [0, 1] that returns rescaled depth.
VALUES: dict[str, Scaling] = {"unit": unit_depth, "bytes": byte_depth, "integers": integer_depth}
