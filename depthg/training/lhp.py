"""3-D local hidden positives: a code is mixed with those of its neighbours in space (Sec. 3.6)."""

import torch
from torch import Tensor


def mix(codes: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
    """s_mix = Σ w s / Σ w over the nearest tokens of each sampled one.

    Args:
        codes: of all tokens, float [B, P, Q].
        ids: nearest tokens of the sampled ones, int64 [B, n, k], distinct within a row.
        weights: how much each counts, float [B, n, k], positive.

    Returns:
        float [B, n, Q].
    """
    shares = weights / weights.sum(-1, keepdim=True)
    # As a matrix product its gradient is one too: faster than adding k·n rows up, and reproducible on a GPU.
    matrix = torch.zeros(*ids.shape[:2], codes.shape[1], dtype=codes.dtype, device=codes.device)
    return matrix.scatter_(-1, ids, shares) @ codes
