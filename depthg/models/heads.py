"""Heads: backbone tokens → codes. They see one token at a time: 1×1 convolutions, as linear layers."""

from torch import Tensor, nn
from torch.nn import functional


class ChannelDropout(nn.Module):
    """Silence whole channels of a crop, drawing a fresh mask at each call (Sec. 3.1).

    Args:
        rate: probability that a channel is silenced; the others are scaled by 1 / (1 − rate).
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, tokens: Tensor) -> Tensor:
        """Mask float [..., P, C], every token of a crop alike; nothing happens in evaluation."""
        if not self.training or not self.rate:
            return tokens
        mask = tokens.new_ones(*tokens.shape[:-2], 1, tokens.shape[-1])
        return tokens * functional.dropout(mask, self.rate)


class SegmentationHead(nn.Module):
    """A linear and a two-layer branch, summed; each with its own dropout mask (STEGO).

    Args:
        channels: C, of the backbone.
        code_dim: Q.
        dropout: rate of the channel dropout of both inputs.

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
    """The feature is the code: the baseline that clusters the backbone itself. Nothing to train.

    Args:
        channels: C, which becomes Q as well.
        code_dim: not used.
        dropout: not used.
    """

    def __init__(self, channels: int, code_dim: int, dropout: float):
        super().__init__()
        self.code_dim = channels

    def forward(self, tokens: Tensor) -> Tensor:
        """The tokens, float [..., P, C]."""
        return tokens


HEADS: dict[str, type[SegmentationHead] | type[Identity]] = {
    "segmentation": SegmentationHead,
    "identity": Identity,
}
