"""Global hidden positives: contrast of every token with its positives, found by similarity (Seong et al., CVPR 2023).

A token j is a positive of token i if the two are more alike than i, or j, is to anything in a pool of references:

    cos(i, j) > min(c_i, c_j),   c_i = max over the pool of cos(i, ·).

Backbone features find the task-agnostic positives A, codes of a slow copy of the head the task-specific ones S.
With weights w = A + λ S of the pairs, and logits l_ij = ⟨z_i, z_j⟩ / τ of the embeddings, the loss of a crop is

    L = −(τ / 0.07) · Σ w_ij (l_ij − log Σ_{k ∈ D_i} exp l_ik) / Σ w_ij

over its tokens i that have a task-agnostic positive; D_i are these positives and a random share ρ of all others.
This is the mean over pairs of the usual supervised contrastive loss: the released code's weighting of anchors by
their number of positives (`reweighting`) cancels its mean over positives.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from depthg.losses.chunks import mean_over_chunks

BASE_TEMPERATURE = 0.07  # of supervised contrast; the loss is scaled by τ / 0.07


def nearest(tokens: Tensor, pool: Tensor) -> Tensor:
    """c: the similarity of each token to its nearest reference.

    Args:
        tokens: unit vectors float [N, C].
        pool: unit vectors float [R, C].

    Returns:
        float [N] in [−1, 1].
    """
    chunks = [(chunk @ pool.T).amax(1) for chunk in tokens.split(4096)]  # 34 MB each for 2048 references
    return torch.cat(chunks)


@dataclass(frozen=True)
class Likeness:
    """The similarity by which positives are found.

    Attributes:
        tokens: unit vectors float [N, C], without gradient.
        nearest: c of each, float [N].
    """

    tokens: Tensor
    nearest: Tensor

    def positives(self, anchors: slice) -> Tensor:
        """Whether each token is a positive of each of some anchors, bool [n, N]; none is its own."""
        found = self.tokens[anchors] @ self.tokens.T
        found = found > torch.minimum(self.nearest[anchors, None], self.nearest)
        found[:, anchors].fill_diagonal_(False)
        return found


def pair_weights(agnostic: Tensor, specific: Tensor | None, share: float) -> Tensor:
    """w = A + λ S of the anchors that have a task-agnostic positive, 0 of the others: float [n, N].

    Args:
        agnostic: A, bool [n, N].
        specific: S, bool [n, N]; None while λ is 0.
        share: λ in [0, 1].
    """
    if specific is None:
        return agnostic.float()
    return (agnostic + share * specific) * agnostic.any(1, keepdim=True)


def contrast(logits: Tensor, weights: Tensor, among: Tensor, temperature: float) -> Tensor:
    """The loss of some anchors, a scalar; 0 where none has a positive.

    Args:
        logits: l, float [n, N].
        weights: w, float [n, N].
        among: D, bool [n, N]; of an anchor with positives, not empty.
        temperature: τ.
    """
    unused = ~among.any(1, keepdim=True)  # an anchor of no weight must not end in log 0
    total = logits.masked_fill(~(among | unused), -torch.inf).logsumexp(1)
    pairs = (weights * logits).sum() - (weights.sum(1) * total).sum()
    return -temperature / BASE_TEMPERATURE * pairs / weights.sum().clamp_min(1)


def hidden_positive_losses(
    embedded: Tensor,
    agnostic: Likeness,
    specific: Likeness | None,
    kept: Tensor,
    share: float,
    temperature: float,
) -> Tensor:
    """The mean loss of the crops of a batch, for each of several embeddings of its tokens, float [V].

    Crops pass one at a time, so that about ten matrices [n, N] of float32 are in memory and not [N, N]: 0.8 GB
    for 32 crops of 784 tokens.

    Args:
        embedded: z, unit vectors float [V, N, Q] of the N tokens of all crops, crop by crop.
        agnostic: the tokens by backbone features.
        specific: the tokens by slow codes; None while λ is 0.
        kept: which others an anchor is held against, bool [n, N]; n tokens make a crop.
        share: λ in [0, 1].
        temperature: τ.
    """
    size, tokens = kept.shape

    def of_crop(leaf: Tensor, crop: int) -> Tensor:
        anchors = slice(crop * size, (crop + 1) * size)
        alike = agnostic.positives(anchors)
        weights = pair_weights(alike, specific.positives(anchors) if specific else None, share)
        among = alike | kept
        among[:, anchors].fill_diagonal_(False)
        losses = [contrast(z[anchors] / temperature @ z.T, weights, among, temperature) for z in leaf]
        return torch.stack(losses)

    return mean_over_chunks(embedded, of_crop, tokens // size)


def inconsistency(embedded: Tensor, view: Tensor) -> Tensor:
    """The mean distance of embeddings of a token and of its photometric view, a scalar in [0, 2].

    Args:
        embedded: unit vectors float [N, Q].
        view: unit vectors float [N, Q].
    """
    return functional.pairwise_distance(embedded, view).mean()
