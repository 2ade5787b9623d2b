"""Feature correlation and its distillation into codes (STEGO; Eq. 1–2)."""

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-10  # vectors shorter than this are not scaled to unit length


def unit(tokens: Tensor) -> Tensor:
    """Scale tokens float [..., C] to length 1; zero vectors stay zero."""
    return functional.normalize(tokens, dim=-1, eps=EPSILON)


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarity of every token of one crop to every token of another (Eq. 1).

    Args:
        a: unit vectors, float [B, n, C].
        b: unit vectors, float [B, m, C].

    Returns:
        float [B, n, m] in [−1, 1].

    Example:
        >>> correlation(unit(torch.tensor([[[3.0, 4.0]]])), unit(torch.tensor([[[4.0, 3.0]]])))
        tensor([[[0.9600]]])
    """
    return a @ b.transpose(-1, -2)


def centre(target: Tensor) -> Tensor:
    """Spatial centring (STEGO): shift every row so that its mean becomes the mean of the whole batch.

    Args:
        target: correlation, float [B, n, m].

    Returns:
        float [B, n, m]: the mean over the last axis is the same everywhere.

    Example:
        >>> centre(torch.tensor([[[0.0, 1.0], [4.0, 5.0]]]))
        tensor([[[2., 3.],
                 [2., 3.]]])
    """
    means = target.mean(-1, keepdim=True)
    return target - (means - means.mean())


def correlation_loss(codes: Tensor, target: Tensor, shift: float) -> Tensor:
    """Correlation loss −mean(max(S, 0)·(F − b)): attracts codes where F > b and repels them where F < b.

    Eq. 2 for features, Eq. 6 for depth. The equations take a sum; the published weights belong to the mean.

    Args:
        codes: correlation S of the codes, float [..., n, m] in [−1, 1].
        target: correlation F of features, or D of depth, float [..., n, m], of the same dtype.
        shift: b, on the scale of the target.

    Returns:
        Scalar.

    Example:
        >>> correlation_loss(torch.tensor([[0.5, -0.5]]), torch.tensor([[1.0, 0.0]]), shift=0.2)
        tensor(-0.2000)
    """
    # A dot product writes neither the elementwise product nor its gradient before the clamp to memory.
    return -torch.dot(codes.relu().flatten(), (target - shift).flatten()) / codes.numel()
