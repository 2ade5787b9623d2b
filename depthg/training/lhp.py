"""Local hidden positives: mix each code with the codes of neighbouring tokens, in space or by attention (Sec. 3.6)."""

from collections.abc import Callable

import torch
from torch import Tensor

from depthg.training.batch import gather_tokens

Mixture = tuple[Tensor, Tensor]  # token indices int64 [B, n, k], and their mixing weights float [B, n, k]


def mixing_weights(ids: Tensor, weights: Tensor, at: Tensor, anchor: bool) -> Mixture:
    """Neighbours and mixing weights w / Σ w of each sampled token, for s_mix = Σ w s / Σ w.

    Args:
        ids: neighbours of every token, int64 [B, P, k], distinct within a row.
        weights: weights of the neighbours, float [B, P, k] ≥ 0, at least one per row above 0.
        at: indices of the sampled tokens, int64 [B, n].
        anchor: not used: anchors and their k-NN neighbours are mixed alike.

    Returns:
        int64 [B, n, k] and float [B, n, k]; the weights of each token sum to 1.
    """
    chosen = gather_tokens(weights, at)
    return gather_tokens(ids, at), chosen / chosen.sum(-1, keepdim=True)


def released_mixing_weights(ids: Tensor, weights: Tensor, at: Tensor, anchor: bool) -> Mixture:
    """As released: the unweighted sum over the neighbours of an anchor's token, divided by P instead of k.

    Codes of other crops (`anchor` false) are not mixed.
    """
    if not anchor:
        return at[..., None], torch.ones(*at.shape, 1)
    return gather_tokens(ids, at), torch.full((*at.shape, ids.shape[2]), 1 / ids.shape[1])


# Setting `mixing` → function (ids, weights, at, anchor) → Mixture. To add one: its name in TrainSettings, a line here.
MIXINGS: dict[str, Callable[[Tensor, Tensor, Tensor, bool], Mixture]] = {
    "neighbors": mixing_weights,
    "released": released_mixing_weights,
}


def mix(codes: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
    """Mixed codes s_mix = Σ weight · s over the neighbours of each sampled token.

    Args:
        codes: codes s, float [B, T, Q].
        ids: positions in `codes` of each sampled token's neighbours, int64 [B, n, k], distinct within a row.
        weights: mixing weights, float [B, n, k].

    Returns:
        float [B, n, Q].
    """
    # A matrix product has a matrix product as gradient: faster than scatter-add, and deterministic on a GPU.
    matrix = torch.zeros(*ids.shape[:2], codes.shape[1], dtype=codes.dtype, device=codes.device)
    return matrix.scatter_(-1, ids, weights) @ codes
