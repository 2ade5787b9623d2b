"""Depth correlation: how much two tokens agree in depth, or in space (Eq. 5), as a named choice."""

from collections.abc import Callable

from torch import Tensor

Kernel = Callable[[Tensor, Tensor, float], Tensor]
# A kernel takes the places of tokens, float [B, n, 4] and [B, m, 4], and the bandwidth, and gives float [B, n, m].
# A place is (d, x, y, z): depth in [0, 1], far = 1, and the point that the camera makes of it.


def product(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """D = d_i · d_j, in [0, 1] (Eq. 5). Two near tokens count as unlike as a near and a far one."""
    return a[..., :, None, 0] * b[..., None, :, 0]


def similarity(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """exp(−|d_i − d_j| / bandwidth), in (0, 1]: like depths agree, near or far."""
    return (-(a[..., :, None, 0] - b[..., None, :, 0]).abs() / bandwidth).exp()


def similarity_3d(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """exp(−r / bandwidth), in (0, 1], of the distance r in space, whose unit is the farthest token's depth."""
    difference = a[..., :, None, 1:] - b[..., None, :, 1:]
    return (-difference.square().sum(-1).clamp_min(1e-12).sqrt() / bandwidth).exp()


def constant(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """As released: depth scaled to unit length over its only channel, so 1 wherever both depths are above 0."""
    return (a[..., :, None, 0] > 0).to(a.dtype) * (b[..., None, :, 0] > 0)


KERNELS: dict[str, Kernel] = {
    "product": product,
    "similarity": similarity,
    "similarity_3d": similarity_3d,
    "constant": constant,
}
