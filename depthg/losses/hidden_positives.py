"""Global hidden positives: a contrastive loss whose positives are found by similarity (Seong et al., CVPR 2023).

Token j is a positive of token i if their similarity exceeds that of i, or of j, to every token of a reference pool:

    cos(i, j) > min(c_i, c_j),   c_i = max over the pool of cos(i, ·).

Backbone features give the task-agnostic positives A; codes of a EMA copy of the head give the task-specific
positives S. With pair weights w = A + λ S and logits l_ij = ⟨z_i, z_j⟩ / τ of the embeddings z, the loss of a crop is

    L = −(τ / 0.07) · Σ w_ij (l_ij − log Σ_{k ∈ D_i} exp l_ik) / Σ w_ij

summed over the tokens i that have a task-agnostic positive. The denominator D_i holds these positives and a random
share ρ of all other tokens. This is the supervised contrastive loss averaged over pairs: in the released code, the
weighting of anchors by their number of positives (`reweighting`) cancels the mean over positives.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from depthg.losses.chunks import mean_over_chunks

BASE_TEMPERATURE = 0.07  # as in supervised contrastive learning: the loss is scaled by τ / 0.07


def nearest(tokens: Tensor, pool: Tensor) -> Tensor:
    """Similarity c of each token to its nearest reference.

    Args:
        tokens: unit vectors float [N, C].
        pool: unit vectors float [R, C].

    Returns:
        float [N] in [−1, 1].
    """
    chunks = [(chunk @ pool.T).amax(1) for chunk in tokens.split(4096)]  # 34 MB per chunk for 2048 references
    return torch.cat(chunks)


@dataclass(frozen=True)
class PositiveCriterion:
    """Finds the positives of tokens by their similarity.

    Attributes:
        tokens: unit vectors float [N, C], without gradient.
        nearest: similarity c of each token to its nearest reference, float [N].
    """

    tokens: Tensor
    nearest: Tensor

    def positives(self, anchors: slice) -> Tensor:
        """Whether token j is a positive of anchor i, bool [n, N]; no token is its own positive."""
        found = self.tokens[anchors] @ self.tokens.T
        found = found > torch.minimum(self.nearest[anchors, None], self.nearest)
        found[:, anchors].fill_diagonal_(False)
        return found


def pair_weights(agnostic: Tensor, specific: Tensor | None, share: float) -> Tensor:
    """Pair weights w = A + λ S, float [n, N]; the row of an anchor without task-agnostic positives is 0.

    Args:
        agnostic: task-agnostic positives A, bool [n, N].
        specific: task-specific positives S, bool [n, N]; None while λ is 0.
        share: λ in [0, 1].
    """
    if specific is None:
        return agnostic.float()
    return (agnostic + share * specific) * agnostic.any(1, keepdim=True)


def contrast(logits: Tensor, weights: Tensor, among: Tensor, temperature: float) -> Tensor:
    """Contrastive loss of n anchors, a scalar; 0 if no anchor has a positive.

    Args:
        logits: l, float [n, N].
        weights: pair weights w, float [n, N].
        among: tokens in the denominator D, bool [n, N]; at least one for every anchor with positives.
        temperature: τ > 0.
    """
    unused = ~among.any(1, keepdim=True)  # anchors of weight 0: an empty denominator would give log 0
    total = logits.masked_fill(~(among | unused), -torch.inf).logsumexp(1)
    pairs = (weights * logits).sum() - (weights.sum(1) * total).sum()
    return -temperature / BASE_TEMPERATURE * pairs / weights.sum().clamp_min(1)


def hidden_positive_losses(
    embedded: Tensor,
    agnostic: PositiveCriterion,
    specific: PositiveCriterion | None,
    kept: Tensor,
    share: float,
    temperature: float,
) -> Tensor:
    """Contrastive loss averaged over the crops of a batch, for each of V embeddings of its tokens, float [V].

    Crops are processed one at a time, so that memory holds about ten float32 matrices [n, N] instead of [N, N]:
    0.8 GB for 32 crops of 784 tokens.

    Args:
        embedded: z, unit vectors float [V, N, Q] of the N tokens of all crops, crop by crop.
        agnostic: finds task-agnostic positives, by backbone features.
        specific: finds task-specific positives, by EMA codes; None while λ is 0.
        kept: which tokens besides the positives enter the denominator, bool [n, N]; n is the tokens per crop.
        share: λ in [0, 1].
        temperature: τ > 0.
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


def consistency_loss(embedded: Tensor, view: Tensor) -> Tensor:
    """Mean Euclidean distance of the embeddings of tokens and of their photometric views, a scalar in [0, 2].

    Args:
        embedded: embeddings of the tokens, unit vectors float [N, Q].
        view: embeddings of the same tokens in the photometric view, unit vectors float [N, Q].
    """
    return functional.pairwise_distance(embedded, view).mean()
