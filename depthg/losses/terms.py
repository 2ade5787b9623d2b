"""The terms of the training loss at the sampled tokens (Eq. 3 and 7).

Every term correlates the anchors of a batch with other crops, its partners (`PARTNERS`). Correlations are computed one
partner at a time, because one fits into the processor's cache. The targets are computed once and used for the codes
and, with local hidden positives, for the mixed codes as well.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from depthg.config.settings import Term
from depthg.losses.correlation import centre, correlation, correlation_loss, unit

Rolls = list[int] | Tensor  # cyclic shifts of a batch, or the indices of the negatives, int64 [negatives, B]


class UnitVectors:
    """Codes or features of a batch at the sampled tokens, scaled to unit length once for all terms.

    Args:
        anchors: float [B, n, C]; or float [B, n + J·n, C], where block j holds a crop as it is read by the anchor
            whose j-th negative it is.
        neighbors: of one k-NN neighbour of each anchor, float [B, n, C].
        siblings: of another crop of each anchor's image, float [B, n, C]; None uses the anchors themselves.
    """

    def __init__(self, anchors: Tensor, neighbors: Tensor, siblings: Tensor | None = None):
        count, scaled = neighbors.shape[1], unit(anchors)
        self.anchors, *self.negatives = scaled.split(count, 1)
        self.neighbors = unit(neighbors)
        self.siblings = self.anchors if siblings is None else unit(siblings)


def self_partners(codes: UnitVectors, rolls: Rolls) -> list[Tensor]:
    """The anchors themselves."""
    return [codes.anchors]


def knn_partners(codes: UnitVectors, rolls: Rolls) -> list[Tensor]:
    """The k-NN neighbour of each anchor."""
    return [codes.neighbors]


def depth_partners(codes: UnitVectors, rolls: Rolls) -> list[Tensor]:
    """Another crop of each anchor's image; the anchors themselves if depth is not paired across crops."""
    return [codes.siblings]


def random_partners(codes: UnitVectors, rolls: Rolls) -> list[Tensor]:
    """Other anchors of the batch: the batch rolled by each cyclic shift, all of them views of one copy."""
    if codes.negatives:  # read elsewhere for each of them
        pairs = zip(codes.negatives, rolls, strict=True)
        return [block[roll] if isinstance(roll, Tensor) else block.roll(roll, 0) for block, roll in pairs]
    if isinstance(rolls, Tensor):
        return list(codes.anchors[rolls])
    size, twice = len(codes.anchors), torch.cat([codes.anchors, codes.anchors])
    return [twice[size - roll : 2 * size - roll] for roll in rolls]


# Term → function (codes, rolls) that returns the partners of the anchors, each float [B, n, C].
PARTNERS: dict[str, Callable[[UnitVectors, Rolls], list[Tensor]]] = {
    "self": self_partners,
    "knn": knn_partners,
    "random": random_partners,
    "depth": depth_partners,
}


def correlations(term: str, codes: UnitVectors, rolls: Rolls) -> Iterable[Tensor]:
    """Correlation of the anchors with each of their partners in a term, float [B, n, n] each."""
    return (correlation(codes.anchors, partners) for partners in PARTNERS[term](codes, rolls))


def feature_targets(term: str, features: UnitVectors, rolls: Rolls, centring: bool) -> list[Tensor]:
    """Correlations of the backbone features, the targets of a term (Eq. 1).

    Args:
        term: `self`, `knn` or `random`.
        features: features of the frozen backbone.
        rolls: cyclic shifts of the batch, in 1 … B − 1, that pair each anchor with other anchors.
        centring: whether to apply spatial centring to the correlations.

    Returns:
        One float [B, n, n] for each partner.
    """
    found = correlations(term, features, rolls)
    return [centre(target) if centring else target for target in found]


def term_losses(
    terms: Mapping[str, Term], codes: UnitVectors, targets: Mapping[str, list[Tensor]], rolls: Rolls
) -> dict[str, Tensor]:
    """Unweighted loss of each term, averaged over its partners: scalars by name (Eq. 2, Eq. 6)."""
    return {
        name: _mean_loss(correlations(name, codes, rolls), targets[name], term.shift)
        for name, term in terms.items()
    }


def _mean_loss(found: Iterable[Tensor], targets: list[Tensor], shift: float) -> Tensor:
    pairs = zip(found, targets, strict=True)
    return torch.stack([correlation_loss(codes, target, shift) for codes, target in pairs]).mean()


def weighted_sum(terms: Mapping[str, Term], losses: Mapping[str, Tensor]) -> Tensor:
    """Total loss Σ λ L over the terms, a scalar (Eq. 3, Eq. 7)."""
    return torch.stack([term.weight * losses[name] for name, term in terms.items()]).sum()
