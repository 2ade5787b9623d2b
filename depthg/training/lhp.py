"""Local hidden positives: a code is mixed with those of its neighbours, in space or by attention (Sec. 3.6)."""

from collections.abc import Callable

import torch
from torch import Tensor

from depthg.training.batch import take

Mixture = tuple[Tensor, Tensor]  # tokens int64 [B, n, k], and the share of each float [B, n, k]


def neighbor_shares(ids: Tensor, weights: Tensor, at: Tensor, anchor: bool) -> Mixture:
    """s_mix = Σ w s / Σ w over the neighbours of each sampled token.

    Args:
        ids: neighbours of every token, int64 [B, P, k], distinct within a row.
        weights: how much each counts, float [B, P, k], some above 0.
        at: sampled tokens int64 [B, n].
        anchor: whether these are the anchors, or their neighbours in the k-NN graph.

    Returns:
        int64 [B, n, k] and float [B, n, k], rows summing to 1.
    """
    chosen = take(weights, at)
    return take(ids, at), chosen / chosen.sum(-1, keepdim=True)


def released_shares(ids: Tensor, weights: Tensor, at: Tensor, anchor: bool) -> Mixture:
    """As released: the plain sum over the nearest tokens of an anchor, divided by all tokens of the crop.

    The other image's codes are not mixed at all.
    """
    if not anchor:
        return at[..., None], torch.ones(*at.shape, 1)
    return take(ids, at), torch.full((*at.shape, ids.shape[2]), 1 / ids.shape[1])


MIXINGS: dict[str, Callable[[Tensor, Tensor, Tensor, bool], Mixture]] = {
    "neighbors": neighbor_shares,
    "released": released_shares,
}


def mix(codes: Tensor, ids: Tensor, shares: Tensor) -> Tensor:
    """s_mix = Σ share · s over the neighbours of each sampled token.

    Args:
        codes: float [B, T, Q].
        ids: neighbours of the sampled tokens among these, int64 [B, n, k], distinct within a row.
        shares: of each, float [B, n, k].

    Returns:
        float [B, n, Q].
    """
    # As a matrix product its gradient is one too: faster than adding k·n rows up, and reproducible on a GPU.
    matrix = torch.zeros(*ids.shape[:2], codes.shape[1], dtype=codes.dtype, device=codes.device)
    return matrix.scatter_(-1, ids, shares) @ codes
