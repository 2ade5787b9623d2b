"""What a step minimises: correlations of the codes, and again of the mixed codes (Eq. 7, Sec. 3.6)."""

from collections.abc import Mapping

from torch import Tensor

from depthg.config import Term
from depthg.losses.depth import KERNELS
from depthg.losses.total import Pair, feature_target, term_losses, weighted_sum
from depthg.models.checkpoint import Model
from depthg.models.projection import Projection
from depthg.training.batch import Batch, Side
from depthg.training.lhp import mix


def objective(model: Model, batch: Batch, terms: Mapping[str, Term]) -> dict[str, Tensor]:
    """The losses of a batch: `total` = L + λ_LHP · L_LHP, each term unweighted, and `lhp` where in use.

    Codes, features and depth are read at the same sampled tokens; the features pass a dropout of their own.
    """
    sides = batch.anchor, batch.neighbor
    features = Pair(*(model.dropout(side.sampled(side.tokens)) for side in sides))
    wanted = {name: _target(name, model, batch, features) for name in terms}
    codes = [model.head(side.tokens) for side in sides]
    sampled = Pair(*(side.sampled(code) for side, code in zip(sides, codes, strict=True)))
    losses = term_losses(terms, sampled, wanted, batch.rolls)
    total = weighted_sum(terms, losses)
    if model.projection is not None:
        mixed = Pair(*(_mixed(model.projection, side, code) for side, code in zip(sides, codes, strict=True)))
        losses["lhp"] = weighted_sum(terms, term_losses(terms, mixed, wanted, batch.rolls))
        total = total + model.settings.lhp_weight * losses["lhp"]
    return {"total": total, **losses}


def _target(term: str, model: Model, batch: Batch, features: Pair) -> Tensor:
    """The correlations that a term distils, float [..., B, n, n]."""
    if term == "depth":
        return KERNELS[model.settings.depth_loss](batch.depth, batch.depth)
    return feature_target(term, features, batch.rolls, model.settings.centring)


def _mixed(projection: Projection, side: Side, codes: Tensor) -> Tensor:
    """P(s_mix) at the sampled tokens, float [B, n, Q]."""
    return projection(mix(codes, side.mix_ids, side.mix_weights))
