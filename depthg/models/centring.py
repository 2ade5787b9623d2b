"""What the tokens of a data set share: their mean, which `tokens: centred` takes off before anything else sees them.

All tokens of a backbone lie in a narrow cone around their mean, so that nearly every pair looks alike. Without the
mean, cosines tell apart what differs within this data set.
"""

from torch import Tensor, nn
from torch.nn.functional import normalize


class Centring(nn.Module):
    """Tokens, scaled to unit length, less the mean of the training crops' unit tokens.

    Args:
        mean: float32 [C].

    Example:
        >>> Centring(torch.tensor([0.5, 0.5]))(torch.tensor([[3.0, 4.0]]))
        tensor([[0.1000, 0.3000]])
    """

    def __init__(self, mean: Tensor):
        super().__init__()
        self.mean = nn.Buffer(mean)

    def forward(self, tokens: Tensor) -> Tensor:
        """Centred tokens float [..., C] of tokens float [..., C]."""
        return normalize(tokens, dim=-1) - self.mean
