"""What a step minimises: correlations of the codes, and again of the mixed codes (Eq. 7, Sec. 3.6)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from torch import Tensor, nn

from depthg.config.settings import TrainSettings
from depthg.losses.depth import KERNELS, NORMS
from depthg.losses.terms import Codes, feature_targets, term_losses, weighted_sum
from depthg.models.checkpoint import Model
from depthg.training.batch import Batch, Side
from depthg.training.guidance import guided
from depthg.training.hidden_positives import HiddenPositives
from depthg.training.inputs import Inputs
from depthg.training.lhp import mix


class Objective(Protocol):
    """The loss of a batch, and the state it keeps from step to step."""

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Losses by name, scalars: `total` is minimised."""

    def state_dict(self) -> dict[str, Tensor]:
        """The state to checkpoint."""

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore that state."""


class Correlation:
    """`total` = L + λ_LHP · L_LHP, each term unweighted beside it, and `lhp` where in use.

    Codes, features and depth are read at the same sampled tokens; the features pass a dropout of their own.
    It keeps no state.

    Args:
        model: head and, with local hidden positives, projection.
    """

    def __init__(self, model: Model):
        self.model = model

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The losses of a batch at a step, counted in batches."""
        model, terms = self.model, guided(self.model.settings, step)
        sides = [batch.anchor, batch.neighbor, *([batch.sibling] if batch.sibling else [])]
        features = Codes(*(model.dropout(side.sampled(side.tokens)) for side in sides[:2]))
        followed = targets(model.settings, terms, batch, features)
        codes = [model.head(side.tokens) for side in sides]
        sampled = Codes(*(side.sampled(code) for side, code in zip(sides, codes, strict=True)))
        losses = term_losses(terms, sampled, followed, batch.rolls)
        total = weighted_sum(terms, losses)
        if model.projection is not None:
            project = model.projection
            mixed = Codes(*(_mixed(project, side, code) for side, code in zip(sides, codes, strict=True)))
            losses["lhp"] = weighted_sum(terms, term_losses(terms, mixed, followed, batch.rolls))
            total = total + model.settings.lhp_weight * losses["lhp"]
        if model.codebook is not None:
            losses["codebook"] = model.codebook.loss(codes[0].detach())
            total = total + losses["codebook"]
        return {"total": total, **losses}

    def state_dict(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Nothing."""


def targets(
    settings: TrainSettings, terms: Iterable[str], batch: Batch, features: Codes
) -> dict[str, list[Tensor]]:
    """The correlations that each term distils into the codes, float [B, n, n] for each of its partners.

    Args:
        settings: how features and depths are correlated.
        terms: `self`, `knn`, `random`, `depth`.
        batch: its depths are correlated.
        features: of the batch at the sampled tokens.
    """
    return {
        term: [depth_target(settings, batch)]
        if term == "depth"
        else feature_targets(term, features, batch.rolls, settings.centring)
        for term in terms
    }


def depth_target(settings: TrainSettings, batch: Batch) -> Tensor:
    """How much the sampled tokens of each anchor agree in depth, among themselves or with a sibling's."""
    others = batch.places if batch.sibling_places is None else batch.sibling_places
    norm, kernel = NORMS[settings.depth_norm], KERNELS[settings.depth_loss]
    target = kernel(norm(batch.places), norm(others), settings.depth_bandwidth)
    return target - target.mean() if settings.depth_centring else target


def _mixed(projection: nn.Module, side: Side, codes: Tensor) -> Tensor:
    """P(s_mix) at the sampled tokens, float [B, n, Q]."""
    return projection(mix(codes, side.mix_ids, side.mix_shares))


def _correlation(model: Model, inputs: Inputs, seed: int) -> Objective:
    return Correlation(model)


# By name in `objective`: (model, inputs, seed) → Objective. To add one: its name in TrainSettings, a line here.
OBJECTIVES: dict[str, Callable[[Model, Inputs, int], Objective]] = {
    "correlation": _correlation,
    "hidden_positives": HiddenPositives,
}
