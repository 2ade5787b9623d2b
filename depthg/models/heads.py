"""Heads: backbone tokens → codes, token by token (STEGO's 1×1 convolutions, written as linear layers)."""

from torch import Tensor, nn
from torch.nn import functional


class ChannelDropout(nn.Module):
    """Dropout of whole channels of a crop, with a new random mask at each call (Sec. 3.1).

    Args:
        rate: probability in [0, 1) that a channel is set to 0; the others are scaled by 1 / (1 − rate).
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens float [..., P, C] with the same channels dropped in all tokens of a crop; unchanged in evaluation."""
        if not self.training or not self.rate:
            return tokens
        mask = tokens.new_ones(*tokens.shape[:-2], 1, tokens.shape[-1])
        return tokens * functional.dropout(mask, self.rate)


class SegmentationHead(nn.Module):
    """The sum of a linear and a two-layer branch, each with its own dropout mask (STEGO).

    Args:
        channels: C, number of channels of the tokens.
        code_dim: Q, number of channels of the codes.
        dropout: rate of the channel dropout of each branch's input.

    Example:
        >>> SegmentationHead(384, 70, 0.1)(torch.randn(2, 784, 384)).shape
        torch.Size([2, 784, 70])
    """

    def __init__(self, channels: int, code_dim: int, dropout: float):
        super().__init__()
        self.code_dim = code_dim
        self.dropout = ChannelDropout(dropout)
        self.linear = nn.Linear(channels, code_dim)
        self.nonlinear = nn.Sequential(
            nn.Linear(channels, channels), nn.ReLU(inplace=True), nn.Linear(channels, code_dim)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Codes float [..., P, Q] of tokens float [..., P, C]."""
        return self.linear(self.dropout(tokens)) + self.nonlinear(self.dropout(tokens))


class Identity(nn.Module):
    """The codes are the tokens: a baseline that clusters the features of the backbone, without parameters.

    Args:
        channels: C, which becomes Q as well.
        code_dim: not used.
        dropout: not used.
    """

    def __init__(self, channels: int, code_dim: int, dropout: float):
        super().__init__()
        self.code_dim = channels

    def forward(self, tokens: Tensor) -> Tensor:
        """The tokens float [..., P, C], unchanged."""
        return tokens


HEADS: dict[str, type[SegmentationHead] | type[Identity]] = {
    "segmentation": SegmentationHead,
    "identity": Identity,
}
