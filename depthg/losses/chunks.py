"""A loss too large for memory: computed chunk by chunk, each with its gradient."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, set_grad_enabled
from torch.autograd import Function


def mean_over_chunks(values: Tensor, loss: Callable[[Tensor, int], Tensor], chunks: int) -> Tensor:
    """The mean of `loss(values, i)` over i, float [V].

    Args:
        values: float [V, …]; loss v depends on values v alone.
        loss: values and a number from 0 to chunks − 1 → float [V].
        chunks: how many there are.

    Example:
        >>> mean_over_chunks(torch.ones(1, 4), lambda values, i: values[:, i] * i, 4)
        tensor([1.5000])
    """
    return _MeanOverChunks.apply(values, loss, chunks)


class _MeanOverChunks(Function):
    """Adds up the gradients of the chunks in the forward pass, so that no chunk is kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, loss: Callable[[Tensor, int], Tensor], chunks: int) -> Tensor:
        needed = ctx.needs_input_grad[0]
        leaf = values.detach().requires_grad_(needed)
        total = values.new_zeros(len(values))
        with set_grad_enabled(needed):
            for chunk in range(chunks):
                found = loss(leaf, chunk) / chunks
                if needed:
                    found.sum().backward()
                total += found.detach()
        ctx.gradient = leaf.grad
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return ctx.gradient * gradient.view(-1, *[1] * (ctx.gradient.ndim - 1)), None, None
