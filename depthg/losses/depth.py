"""Depth correlation D of two tokens (Eq. 5) and its alternatives, each selected by name."""

from collections.abc import Callable

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor, float], Tensor]
# A kernel maps the positions of tokens, float [B, n, 4] and [B, m, 4], and the bandwidth to float [B, n, m].
# A position is (d, x, y, z): the depth in [0, 1], far = 1, and the token's unprojected 3D point.


def product(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """D = d_i · d_j, in [0, 1] (Eq. 5); low for two near tokens, although their depths agree.

    Example:
        >>> product(torch.tensor([[[0.5, 0, 0, 0]]]), torch.tensor([[[0.8, 0, 0, 0]]]), 0.1)
        tensor([[[0.4000]]])
    """
    return a[..., :, None, 0] * b[..., None, :, 0]


def similarity(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """exp(−|d_i − d_j| / bandwidth), in (0, 1]: 1 for equal depths, near or far.

    Example:
        >>> similarity(torch.tensor([[[0.5, 0, 0, 0]]]), torch.tensor([[[0.8, 0, 0, 0]]]), 0.1)
        tensor([[[0.0498]]])
    """
    return (-(a[..., :, None, 0] - b[..., None, :, 0]).abs() / bandwidth).exp()


def similarity_3d(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """exp(−r / bandwidth), in (0, 1], of the 3D distance r of two points, in units of the farthest token's depth."""
    difference = a[..., :, None, 1:] - b[..., None, :, 1:]
    return (-difference.square().sum(-1).clamp_min(1e-12).sqrt() / bandwidth).exp()


# Setting `depth_loss` → Kernel. To add one: a function, a line here, its name in TrainSettings, its formula in a test.
KERNELS: dict[str, Kernel] = {
    "product": product,
    "similarity": similarity,
    "similarity_3d": similarity_3d,
}


def unchanged(positions: Tensor) -> Tensor:
    """Positions float [..., 4], unchanged."""
    return positions


def normalised_over_channel(positions: Tensor) -> Tensor:
    """As released: depth normalised over its single channel, which makes it 1 wherever it is positive."""
    return torch.cat([(positions[..., :1] > 0).to(positions.dtype), positions[..., 1:]], dim=-1)


# Setting `depth_norm` → function of positions float [..., 4] that returns positions of the same shape.
NORMS: dict[str, Callable[[Tensor], Tensor]] = {"none": unchanged, "channel": normalised_over_channel}
