"""Local hidden positives: the tokens with whose codes each code is mixed, in space or by attention (Sec. 3.6)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from depthg.training.batch import gather_tokens
from depthg.training.inputs import Inputs

Mixture = tuple[Tensor, Tensor]  # token indices int64 [B, n, k], and their mixing weights float [B, n, k]
Mixing = Callable[[Inputs, np.ndarray, Tensor, bool], Mixture]
NEAR, FAR = 0.01, 0.99  # as released: quantiles of a row of distances, and of a row of attention


def mixing_weights(ids: Tensor, weights: Tensor, at: Tensor) -> Mixture:
    """Neighbours and mixing weights w / Σ w of each sampled token, for s_mix = Σ w s / Σ w.

    Args:
        ids: neighbours of every token, int64 [B, P, k], distinct within a row.
        weights: weights of the neighbours, float [B, P, k] ≥ 0, at least one per row above 0.
        at: indices of the sampled tokens, int64 [B, n].

    Returns:
        int64 [B, n, k] and float [B, n, k]; the weights of each token sum to 1.
    """
    chosen = gather_tokens(weights, at)
    return gather_tokens(ids, at), chosen / chosen.sum(-1, keepdim=True)


def released_by_distance(distances: Tensor) -> Tensor:
    """As released: weights of all tokens in the mixed code of some, by their distance in space.

    Distances are scaled by the row's minimum and maximum. Tokens up to the 1 % quantile (8 of 784, itself included)
    weigh 1 minus their distance, others 0; the sum is divided by all tokens, so that codes shrink to a hundredth.

    Args:
        distances: float [..., P].

    Returns:
        float [..., P].
    """
    near = _scaled(distances)
    return torch.where(near <= _quantile(near, NEAR), 1 - near, 0.0) / near.shape[-1]


def released_by_attention(attention: Tensor) -> Tensor:
    """As released: weights of all tokens in the mixed code of some, by attention averaged over heads.

    Attention is scaled by the row's minimum and maximum; what is *above* the 99 % quantile becomes 0, and the sum is
    divided by all tokens.

    Args:
        attention: float [..., P].

    Returns:
        float [..., P].
    """
    strong = _scaled(attention)
    return torch.where(strong > _quantile(strong, FAR), 0.0, strong) / strong.shape[-1]


def _scaled(rows: Tensor) -> Tensor:
    """Rows float [..., P] scaled to [0, 1]; all 0 where a row is constant."""
    low, high = rows.amin(-1, keepdim=True), rows.amax(-1, keepdim=True)
    return (rows - low) / (high - low).clamp_min(torch.finfo(rows.dtype).tiny)


def _quantile(rows: Tensor, share: float) -> Tensor:
    """The interpolated quantile of each row, float [..., 1], of rows float [..., P]."""
    # torch.quantile refuses as many values as a batch has
    place = share * (rows.shape[-1] - 1)
    below = int(place)
    low = rows.kthvalue(below + 1, keepdim=True).values
    return low.lerp(rows.kthvalue(min(below + 2, rows.shape[-1]), keepdim=True).values, place - below)


def nonzero(weights: Tensor) -> Mixture:
    """The tokens of weight above 0 in each row of weights float [B, n, P]; shorter rows are padded with others."""
    count = int((weights > 0).sum(-1).max())
    if 2 * count > weights.shape[-1]:  # sorting so many takes longer than multiplying by zeros
        return torch.arange(weights.shape[-1], device=weights.device).expand(weights.shape), weights
    found = weights.topk(count)
    return found.indices, found.values


def by_neighbors(inputs: Inputs, rows: np.ndarray, at: Tensor, anchor: bool) -> Mixture:
    """The stored neighbours of each token, in space or by attention, and `mixing_weights`: anchors or not."""
    return mixing_weights(*inputs.neighbor_weights(rows), at)


def as_released(inputs: Inputs, rows: np.ndarray, at: Tensor, anchor: bool) -> Mixture:
    """As released: `released_by_attention` or `released_by_distance`; codes of crops but anchors are not mixed."""
    if not anchor:
        return at[..., None], torch.ones(*at.shape, 1, device=at.device)
    if inputs.attention is not None:
        return nonzero(released_by_attention(gather_tokens(inputs.attention_maps(rows), at)))
    points = inputs.positions(rows)[..., 1:].flatten(1, 2)
    # By matrix products, as theirs, whose rounding shows in the distances of the nearest tokens.
    mode = "use_mm_for_euclid_dist"
    return nonzero(released_by_distance(torch.cdist(gather_tokens(points, at), points, compute_mode=mode)))


# Setting `mixing` → Mixing: (inputs, rows, token indices int64 [B, n], whether anchors) → Mixture. To add one: its name
# in TrainSettings, a line here.
MIXINGS: dict[str, Mixing] = {"neighbors": by_neighbors, "released": as_released}
