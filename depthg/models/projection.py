"""The projection of mixed codes for local hidden positives (Sec. 3.6)."""

from torch import Tensor, nn


class Projection(nn.Sequential):
    """P: two linear layers on the mixed code. Trained with the head, not used after training.

    Args:
        code_dim: Q, of input, hidden layer and output.
    """

    def __init__(self, code_dim: int):
        super().__init__(nn.Linear(code_dim, code_dim), nn.ReLU(), nn.Linear(code_dim, code_dim))

    def forward(self, mixed: Tensor) -> Tensor:
        """Projected codes float [..., Q] of mixed codes float [..., Q]."""
        return super().forward(mixed)
