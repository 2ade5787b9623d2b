"""Projections of codes, for losses on projected codes: trained with the head, unused after training."""

from torch import Tensor, nn

from depthg.config.settings import TrainSettings


class Projection(nn.Sequential):
    """P: two linear layers on the mixed code, for local hidden positives (Sec. 3.6).

    Args:
        code_dim: Q, of input, hidden layer and output.
    """

    def __init__(self, code_dim: int):
        super().__init__(nn.Linear(code_dim, code_dim), nn.ReLU(), nn.Linear(code_dim, code_dim))

    def forward(self, mixed: Tensor) -> Tensor:
        """Projected codes float [..., Q] of mixed codes float [..., Q]."""
        return super().forward(mixed)


def projection_of(settings: TrainSettings, code_dim: int) -> nn.Module | None:
    """The projection for these settings: one layer on every code for Hidden Positives; or none."""
    if settings.objective == "hidden_positives":
        return nn.Linear(code_dim, code_dim)
    return Projection(code_dim) if settings.lhp != "none" else None
