"""Feature correlation and its distillation into codes (STEGO; Eq. 1–2)."""

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-10  # shortest vector that is still scaled to unit length


def unit(tokens: Tensor) -> Tensor:
    """Scale tokens float [..., C] to length 1; those of length 0 stay."""
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
    """Spatial centring: subtract from every row its mean, and add the mean of the batch (STEGO).

    Args:
        target: float [B, n, m].

    Returns:
        float [B, n, m]: every row [m] has the mean of the batch.
    """
    return target - target.mean(-1, keepdim=True) + target.mean()


def correlation_loss(codes: Tensor, target: Tensor, shift: float) -> Tensor:
    """Pull codes together where the target lies above the shift, apart where below: −mean(max(S, 0)·(F − b)).

    Eq. 2 for features, Eq. 6 for depth. The equations sum; the mean is what the published weights are for.

    Args:
        codes: correlation S of the codes, float [..., n, m].
        target: correlation F of features, or D of depth, float [..., n, m], of the same dtype.
        shift: b, of the range of the target.

    Returns:
        Scalar.
    """
    # As a dot product: the product itself, and its gradient before the clamp, are never written to memory.
    return -torch.dot(codes.relu().flatten(), (target - shift).flatten()) / codes.numel()
