"""Projections of codes, used by losses during training only."""

from torch import Tensor, nn

from depthg.config.settings import TrainSettings


class Projection(nn.Sequential):
    """P: two linear layers applied to mixed codes, for local hidden positives (Sec. 3.6).

    Args:
        code_dim: Q, number of channels of input, hidden layer and output.
    """

    def __init__(self, code_dim: int):
        super().__init__(nn.Linear(code_dim, code_dim), nn.ReLU(), nn.Linear(code_dim, code_dim))

    def forward(self, mixed: Tensor) -> Tensor:
        """Projected codes float [..., Q] of mixed codes float [..., Q]."""
        return super().forward(mixed)


def projection_of(settings: TrainSettings, code_dim: int) -> nn.Module | None:
    """The projection for these settings: a linear layer for Hidden Positives, `Projection` with `lhp`, else None."""
    if settings.objective == "hidden_positives":
        return nn.Linear(code_dim, code_dim)
    return Projection(code_dim) if settings.lhp != "none" else None
