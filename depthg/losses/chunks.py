"""A loss too large to hold at once: computed piece by piece, each with its gradient, so that none waits in memory."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, set_grad_enabled
from torch.autograd import Function


def mean_over_chunks(values: Tensor, loss: Callable[[Tensor, int], Tensor], pieces: int) -> Tensor:
    """The mean of `loss(values, i)` over i, float [V].

    Args:
        values: float [V, …]; loss v depends on values v alone.
        loss: values and a number from 0 to pieces − 1 → float [V].
        pieces: how many there are.

    Example:
        >>> mean_over_chunks(torch.ones(1, 4), lambda values, i: values[:, i] * i, 4)
        tensor([1.5000])
    """
    return _MeanOverChunks.apply(values, loss, pieces)


class _MeanOverChunks(Function):
    """The gradient is that of every piece, taken while the piece is there, and added up."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, loss: Callable[[Tensor, int], Tensor], pieces: int) -> Tensor:
        needed = ctx.needs_input_grad[0]
        leaf = values.detach().requires_grad_(needed)
        total = values.new_zeros(len(values))
        with set_grad_enabled(needed):
            for piece in range(pieces):
                found = loss(leaf, piece) / pieces
                if needed:
                    found.sum().backward()
                total += found.detach()
        ctx.gradient = leaf.grad
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return ctx.gradient * gradient.view(-1, *[1] * (ctx.gradient.ndim - 1)), None, None
