"""The terms of the training loss at the sampled tokens (Eq. 3 and 7).

Every term correlates the anchors of a batch with partners of its own: `PARTNERS`. Each correlation is small enough
for a processor's cache, and stays apart from the others for that. The targets are computed once and serve the codes
and, with local hidden positives, the mixed codes as well.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from depthg.config.settings import Term
from depthg.losses.correlation import centre, correlation, correlation_loss, unit


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


def itself(codes: Codes, rolls: list[int]) -> list[Tensor]:
    """The anchors."""
    return [codes.anchors]


def neighbor(codes: Codes, rolls: list[int]) -> list[Tensor]:
    """Their neighbours."""
    return [codes.neighbors]


def sibling(codes: Codes, rolls: list[int]) -> list[Tensor]:
    """Another crop of each anchor's image; the anchors themselves where depth is not paired across crops."""
    return [codes.siblings]


def others(codes: Codes, rolls: list[int]) -> list[Tensor]:
    """Other anchors of the batch, once for each cyclic shift."""
    return [codes.anchors.roll(roll, dims=0) for roll in rolls]


# By term: what the anchors [B, n, C] are correlated with, each [B, n, C].
PARTNERS: dict[str, Callable[[Codes, list[int]], list[Tensor]]] = {
    "self": itself,
    "knn": neighbor,
    "random": others,
    "depth": sibling,
}


def correlations(term: str, codes: Codes, rolls: list[int]) -> Iterable[Tensor]:
    """Correlations of the anchors with each of their partners in a term, float [B, n, n]."""
    return (correlation(codes.anchors, partners) for partners in PARTNERS[term](codes, rolls))


def feature_targets(term: str, features: Codes, rolls: list[int], centring: bool) -> list[Tensor]:
    """The correlations of features that the codes are to follow in a term (Eq. 1).

    Args:
        term: `self`, `knn` or `random`.
        features: of the frozen backbone.
        rolls: cyclic shifts of the batch, in 1 … B − 1, that pair an anchor with other crops.
        centring: centre the correlations.

    Returns:
        float [B, n, n] for each partner.
    """
    found = correlations(term, features, rolls)
    return [centre(target) if centring else target for target in found]


def term_losses(
    terms: Mapping[str, Term], codes: Codes, targets: Mapping[str, list[Tensor]], rolls: list[int]
) -> dict[str, Tensor]:
    """The loss of each term, before its weight, the mean over its partners: scalars by name (Eq. 2, Eq. 6)."""
    return {
        name: _mean_loss(correlations(name, codes, rolls), targets[name], term.shift)
        for name, term in terms.items()
    }


def _mean_loss(found: Iterable[Tensor], targets: list[Tensor], shift: float) -> Tensor:
    pairs = zip(found, targets, strict=True)
    return torch.stack([correlation_loss(codes, target, shift) for codes, target in pairs]).mean()


def weighted_sum(terms: Mapping[str, Term], losses: Mapping[str, Tensor]) -> Tensor:
    """Σ λ L over the terms, a scalar (Eq. 3, Eq. 7)."""
    return torch.stack([term.weight * losses[name] for name, term in terms.items()]).sum()
