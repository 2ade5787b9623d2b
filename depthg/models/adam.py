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
            adam(
                given,
                [weight.grad for weight in given if weight.grad is not None],
                [self.state[weight]["exp_avg"] for weight in given],
                [self.state[weight]["exp_avg_sq"] for weight in given],
                [],
                [self.state[weight]["step"] for weight in given],
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
        """The state to checkpoint, in the form of torch's own."""
        return {"state": dict(enumerate(self.state.values()))}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state, of this class or of `torch.optim.AdamW`."""
        for number, own in enumerate(self.state.values()):
            for name, value in state["state"].get(number, {}).items():
                own[name].copy_(value)


def _fresh(weight: Tensor) -> dict[str, Tensor]:
    """Number of steps, float32 [], and means of the gradient and of its square."""
    step = torch.zeros((), device=weight.device if weight.is_cuda else None)  # on a GPU if it may be recorded
    means = {name: torch.zeros_like(weight, requires_grad=False) for name in ("exp_avg", "exp_avg_sq")}
    return {"step": step, **means}
