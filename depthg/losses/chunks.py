"""The mean of a loss that does not fit in memory, computed with its gradient chunk by chunk."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, set_grad_enabled
from torch.autograd import Function


def mean_over_chunks(values: Tensor, loss: Callable[[Tensor, int], Tensor], chunks: int) -> Tensor:
    """The mean of `loss(values, i)` over the chunks i = 0 … chunks − 1, float [V].

    Args:
        values: float [V, …]; entry v of the loss depends on `values[v]` only.
        loss: (values, i) → float [V], the losses of chunk i.
        chunks: number of chunks, at least 1.

    Example:
        >>> mean_over_chunks(torch.ones(1, 4), lambda values, i: values[:, i] * i, 4)
        tensor([1.5000])
    """
    return _MeanOverChunks.apply(values, loss, chunks)


class _MeanOverChunks(Function):
    """Accumulates the gradient during the forward pass, so that no chunk is kept for the backward pass."""

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
