"""Depth correlation: how much the depths of two tokens agree (Eq. 5), as a named choice."""

from collections.abc import Callable

from torch import Tensor

Kernel = Callable[[Tensor, Tensor], Tensor]


def product(a: Tensor, b: Tensor) -> Tensor:
    """D = d_i · d_j (Eq. 5).

    Args:
        a: depth, float [B, n] in [0, 1], far = 1.
        b: depth, float [B, m] in [0, 1].

    Returns:
        float [B, n, m] in [0, 1].
    """
    return a[..., :, None] * b[..., None, :]


KERNELS: dict[str, Kernel] = {"product": product}
