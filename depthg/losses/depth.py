"""Depth correlation: how much two tokens agree in depth, or in space (Eq. 5), as a named choice."""

from collections.abc import Callable

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor, float], Tensor]
# A kernel maps the places of tokens, float [B, n, 4] and [B, m, 4], and the bandwidth to float [B, n, m].
# A place is (d, x, y, z): depth in [0, 1], far = 1, and the point that the camera makes of it.


def product(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """D = d_i · d_j, in [0, 1] (Eq. 5). Two near tokens get as low a value as a near and a far one."""
    return a[..., :, None, 0] * b[..., None, :, 0]


def similarity(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """exp(−|d_i − d_j| / bandwidth), in (0, 1]: like depths agree, near or far."""
    return (-(a[..., :, None, 0] - b[..., None, :, 0]).abs() / bandwidth).exp()


def similarity_3d(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """exp(−r / bandwidth), in (0, 1], of the distance r in space, whose unit is the farthest token's depth."""
    difference = a[..., :, None, 1:] - b[..., None, :, 1:]
    return (-difference.square().sum(-1).clamp_min(1e-12).sqrt() / bandwidth).exp()


# By name in `depth_loss`. To add one: a function, a line here, its name in TrainSettings, its formula in the test.
KERNELS: dict[str, Kernel] = {
    "product": product,
    "similarity": similarity,
    "similarity_3d": similarity_3d,
}


def as_is(places: Tensor) -> Tensor:
    """Places float [..., 4] with depth in its own range."""
    return places


def over_channel(places: Tensor) -> Tensor:
    """As released: depth scaled to unit length over its only channel, so 1 wherever it is above 0."""
    return torch.cat([(places[..., :1] > 0).to(places.dtype), places[..., 1:]], dim=-1)


NORMS: dict[str, Callable[[Tensor], Tensor]] = {"none": as_is, "channel": over_channel}
