"""Training objectives: the correlation loss of codes and of mixed codes (Eq. 7, Sec. 3.6), or Hidden Positives."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from torch import Tensor, nn

from depthg.config.settings import TrainSettings
from depthg.losses.depth import KERNELS, NORMS
from depthg.losses.terms import UnitVectors, feature_targets, term_losses, weighted_sum
from depthg.models.checkpoint import Model
from depthg.training.batch import Batch, SampledTokens, mix
from depthg.training.guidance import active_terms
from depthg.training.hidden_positives import HiddenPositives
from depthg.training.inputs import Inputs


class Objective(Protocol):
    """A training objective: computes the losses of a batch, and may keep state between steps."""

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Scalar losses by name; `total` is minimised."""

    def state_dict(self) -> dict[str, Tensor]:
        """The state to checkpoint."""

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore a saved state."""


class Correlation:
    """Correlation objective: `total` = L + λ_LHP · L_LHP (plus the codebook's loss if it is trained).

    The losses also contain each term without its weight, and L_LHP as `lhp` if it is used. Codes, features and depth
    are taken at the same sampled tokens; features pass a separate dropout. The objective keeps no state.

    Args:
        model: segmentation head and, with local hidden positives, projection.
    """

    def __init__(self, model: Model):
        self.model = model

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Scalar losses of a batch by name, including `total`; steps are counted in batches."""
        model, terms = self.model, active_terms(self.model.settings, step)
        sides = [batch.anchor, batch.neighbor, *([batch.sibling] if batch.sibling else [])]
        tokens = [model.prepared(side.tokens) for side in sides]
        read = [side.sampled(seen) for side, seen in zip(sides[:2], tokens, strict=False)]
        features = UnitVectors(*(model.dropout(sample) for sample in read))
        distilled = targets(model.settings, terms, batch, features)
        codes = [model.head(seen) for seen in tokens]
        sampled = UnitVectors(*(side.sampled(code) for side, code in zip(sides, codes, strict=True)))
        losses = term_losses(terms, sampled, distilled, batch.rolls)
        total = weighted_sum(terms, losses)
        if model.projection is not None:
            project = model.projection
            mixed = UnitVectors(
                *(_mixed(project, side, code) for side, code in zip(sides, codes, strict=True))
            )
            losses["lhp"] = weighted_sum(terms, term_losses(terms, mixed, distilled, batch.rolls))
            total = total + model.settings.lhp_weight * losses["lhp"]
        if model.codebook is not None:
            losses["codebook"] = model.codebook.loss(codes[0].detach())
            total = total + losses["codebook"]
        return {"total": total, **losses}

    def state_dict(self) -> dict[str, Tensor]:
        """Empty: there is no state."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Does nothing: there is no state."""


def targets(
    settings: TrainSettings, terms: Iterable[str], batch: Batch, features: UnitVectors
) -> dict[str, list[Tensor]]:
    """Target correlations that each term distils into the codes, one float [B, n, n] per partner, by term.

    Args:
        settings: reads the centring of features and the `depth_*` settings.
        terms: names of the active terms, among `self`, `knn`, `random` and `depth`.
        batch: the batch, for its depth and cyclic shifts.
        features: backbone features of the batch at the sampled tokens.
    """
    return {
        term: [depth_target(settings, batch)]
        if term == "depth"
        else feature_targets(term, features, batch.rolls, settings.centring)
        for term in terms
    }


def depth_target(settings: TrainSettings, batch: Batch) -> Tensor:
    """Depth correlation float [B, n, n] of each anchor's sampled tokens with each other, or with its sibling's."""
    partners = batch.positions if batch.sibling_positions is None else batch.sibling_positions
    norm, kernel = NORMS[settings.depth_norm], KERNELS[settings.depth_loss]
    target = kernel(norm(batch.positions), norm(partners), settings.depth_bandwidth)
    return target - target.mean() if settings.depth_centring else target


def _mixed(projection: nn.Module, side: SampledTokens, codes: Tensor) -> Tensor:
    """Projected mixed codes P(s_mix) at the samples, float [B, n, Q]."""
    return side.sampled(projection(mix(codes, side.mix_ids, side.mix_weights)))


def _correlation(model: Model, inputs: Inputs, seed: int) -> Objective:
    return Correlation(model)


# Setting `objective` → function (model, inputs, seed) → Objective. To add one: its name in TrainSettings, a line here.
OBJECTIVES: dict[str, Callable[[Model, Inputs, int], Objective]] = {
    "correlation": _correlation,
    "hidden_positives": HiddenPositives,
}
