"""Adam with decoupled weight decay, for heads and probes.

`torch.optim.AdamW` imports torch's compiler as soon as it is made: two seconds of a process that compiles nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim.adam import adam


class Group(NamedTuple):
    """Weights with their learning rate and weight decay."""

    weights: Sequence[Tensor]
    rate: float
    decay: float = 0.0


class AdamW:
    """Takes the same steps as `torch.optim.AdamW`, to the last bit; with decay 0, the same as `torch.optim.Adam`.

    Args:
        groups: the weights to optimise; those without a gradient stay as they are.
    """

    def __init__(self, *groups: Group):
        self.groups = groups
        self.state = {weight: _fresh(weight) for group in groups for weight in group.weights}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self.state:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the weights by their gradients."""
        for weights, rate, decay in self.groups:
            given = [weight for weight in weights if weight.grad is not None]
            moments, squares, steps = ([self.state[weight][i] for weight in given] for i in range(3))
            adam(
                given,
                [weight.grad for weight in given if weight.grad is not None],
                moments,
                squares,
                [],
                steps,
                decoupled_weight_decay=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=rate,
                weight_decay=decay,
                eps=1e-8,
                maximize=False,
                capturable=any(weight.is_cuda for weight in given),  # a step may be part of a CUDA graph
            )

    def state_dict(self) -> dict[str, Any]:
        """The state to checkpoint."""
        return {"state": list(self.state.values())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""
        for own, saved in zip(self.state.values(), state["state"], strict=True):
            for value, stored in zip(own, saved, strict=True):
                value.copy_(stored)


def _fresh(weight: Tensor) -> list[Tensor]:
    """Means of gradient and squared gradient, and the number of steps, float32 [], on a GPU if it is to be recorded."""
    moments = [torch.zeros_like(weight, requires_grad=False) for _ in range(2)]
    return [*moments, torch.zeros((), device=weight.device if weight.is_cuda else None)]
