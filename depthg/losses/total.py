"""The terms of the training loss at the sampled tokens (Eq. 3 and 7).

Every term correlates the anchors of a batch with partners of its own: `CORRELATIONS`. The targets are
computed once and serve the codes and, with local hidden positives, the mixed codes as well.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from depthg.losses.correlation import centre, correlation, correlation_loss, unit
from depthg.settings import Term


class Codes:
    """Codes or features of a batch at the sampled tokens, scaled to unit length once for all terms.

    Args:
        anchors: float [B, n, C].
        neighbors: those of a neighbour of each, float [B, n, C].
        siblings: those of another crop of each anchor's image, float [B, n, C], where a term asks for them.
    """

    def __init__(self, anchors: Tensor, neighbors: Tensor, siblings: Tensor | None = None):
        self.anchors, self.neighbors = unit(anchors), unit(neighbors)
        self.siblings = self.anchors if siblings is None else unit(siblings)


def with_itself(codes: Codes, rolls: list[int]) -> Tensor:
    """Anchors with themselves: float [B, n, n]."""
    return correlation(codes.anchors, codes.anchors)


def with_neighbor(codes: Codes, rolls: list[int]) -> Tensor:
    """Anchors with their neighbours: float [B, n, n]."""
    return correlation(codes.anchors, codes.neighbors)


def with_sibling(codes: Codes, rolls: list[int]) -> Tensor:
    """Anchors with another crop of their image, or themselves where none is paired: float [B, n, n]."""
    return correlation(codes.anchors, codes.siblings)


def with_others(codes: Codes, rolls: list[int]) -> Tensor:
    """Anchors with other anchors of the batch, one for each cyclic shift: float [len(rolls), B, n, n]."""
    return torch.stack([correlation(codes.anchors, codes.anchors.roll(roll, dims=0)) for roll in rolls])


CORRELATIONS: dict[str, Callable[[Codes, list[int]], Tensor]] = {
    "self": with_itself,
    "knn": with_neighbor,
    "random": with_others,
    "depth": with_sibling,
}


def feature_target(term: str, features: Codes, rolls: list[int], centring: bool) -> Tensor:
    """What the codes shall follow in a feature term (Eq. 1).

    Args:
        term: `self`, `knn` or `random`.
        features: of the frozen backbone.
        rolls: cyclic shifts of the batch, in 1 … B − 1, that pair an anchor with other crops.
        centring: centre the correlations.

    Returns:
        float [..., B, n, n].
    """
    target = CORRELATIONS[term](features, rolls)
    return centre(target) if centring else target


def term_losses(
    terms: Mapping[str, Term], codes: Codes, targets: Mapping[str, Tensor], rolls: list[int]
) -> dict[str, Tensor]:
    """The loss of each term, before its weight: scalars by name (Eq. 2, Eq. 6)."""
    return {
        name: correlation_loss(CORRELATIONS[name](codes, rolls), targets[name], term.shift)
        for name, term in terms.items()
    }


def weighted_sum(terms: Mapping[str, Term], losses: Mapping[str, Tensor]) -> Tensor:
    """Σ λ L over the terms, a scalar (Eq. 3, Eq. 7)."""
    return torch.stack([term.weight * losses[name] for name, term in terms.items()]).sum()
