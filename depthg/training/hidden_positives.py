"""The objective of Hidden Positives (Seong et al., CVPR 2023): contrastive loss with positives from two pools.

Details that the paper leaves open follow its released code: positives are symmetric, the contrastive loss is computed
after a linear projection P, dropout is applied to features and EMA codes, and STEGO's correlation loss is not used.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from depthg.config.settings import TrainSettings
from depthg.losses.correlation import unit
from depthg.losses.hidden_positives import (
    PositiveCriterion,
    consistency_loss,
    hidden_positive_losses,
    nearest,
)
from depthg.models.checkpoint import Model
from depthg.runtime.progress import warn
from depthg.training.batch import Batch, mix
from depthg.training.inputs import Inputs
from depthg.training.pools import Pools, References


def specific_share(settings: TrainSettings, step: int) -> float:
    """Weight λ of the task-specific positives: 0 during warm-up, then rising linearly towards 1."""
    warm_up = settings.hidden_positives.warm_up
    return max(0.0, (step - warm_up) / max(settings.batches - warm_up, 1))


class HiddenPositives:
    """Hidden Positives loss: `total` = (L + λ_LHP · L_LHP) / (1 + λ_LHP) + α · C.

    `contrast` is the contrastive loss L of embeddings P(s), `lhp` that of P(s_mix) (theirs: λ_LHP = 1), `view` the mean
    distance C of P(s) to the view's embedding. Calls in training update the EMA head and, every `renew` steps, a pool.

    Args:
        model: segmentation head and projection.
        inputs: the opened stores.
        seed: seed of the training run.

    Raises:
        DepthGError: a pool is larger than the number of stored tokens.
    """

    def __init__(self, model: Model, inputs: Inputs, seed: int):
        self.model, self.settings = model, model.settings.hidden_positives
        if self.settings.warm_up >= model.settings.batches:
            warn(
                f"settings: hidden_positives: warm_up: {self.settings.warm_up} of {model.settings.batches} "
                "batches: positives by code never come in: lower warm_up"
            )
        references = References(inputs, self.settings.pool, seed)
        self.pools = Pools(references, model.dropout, model.head, self.settings.ema)

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Scalar losses of a batch by name, including `total`; steps are counted in batches."""
        if self.model.training and step % self.settings.renew == 0:
            self.pools.renew(step)
        codes = self.model.head(batch.anchor.tokens)
        sampled = batch.anchor.sampled(codes)
        embedded = [self._embed(sampled)]
        if batch.anchor.mix_ids.shape[-1]:
            embedded.append(self._embed(mix(codes, batch.anchor.mix_ids, batch.anchor.mix_weights)))
        losses = self._contrast(torch.stack(embedded), batch, step)
        if self.model.training:
            self.pools.ema_head.update(self.model.head)
        return self._sum(losses, embedded[0], batch.view)

    def _sum(self, contrasts: Tensor, embedded: Tensor, view: Tensor | None) -> dict[str, Tensor]:
        """Scalar losses by name, including `total`."""
        losses = dict(zip(("contrast", "lhp"), contrasts.unbind(), strict=False))
        shares = [1.0, self.model.settings.lhp_weight][: len(contrasts)]
        total = torch.stack(
            [share * loss for share, loss in zip(shares, contrasts, strict=True)]
        ).sum() / sum(shares)
        if view is not None:
            losses["view"] = consistency_loss(embedded, self._embed(self.model.head(view)))
            total = total + self.settings.consistency * losses["view"]
        return {"total": total, **losses}

    def _embed(self, codes: Tensor) -> Tensor:
        """Embeddings P(s) scaled to unit length, float [B·n, Q], of codes float [B, n, Q]."""
        assert self.model.projection is not None
        return unit(self.model.projection(codes)).flatten(0, 1)

    def _contrast(self, embedded: Tensor, batch: Batch, step: int) -> Tensor:
        """Contrastive loss of each of V embeddings of the tokens, float [V], of embeddings float [V, B·n, Q]."""
        tokens = batch.anchor.sampled(batch.anchor.tokens)
        share = specific_share(self.model.settings, step)
        agnostic = self._criterion(tokens, self.pools.agnostic)
        specific = self._criterion(self.pools.ema_head(tokens), self.pools.specific) if share else None
        others = torch.rand(tokens.shape[1], embedded.shape[1], device=tokens.device)
        kept = others < self.settings.negatives_kept
        return hidden_positive_losses(embedded, agnostic, specific, kept, share, self.settings.temperature)

    def _criterion(self, tokens: Tensor, pool: Tensor) -> PositiveCriterion:
        """Similarity of features or EMA codes float [B, n, C], after dropout, to each other and to their pool."""
        tokens = unit(self.model.dropout(tokens)).flatten(0, 1)
        return PositiveCriterion(tokens, nearest(tokens, pool))

    def state_dict(self) -> dict[str, Tensor]:
        """The state to checkpoint: the pools and the EMA head."""
        return self.pools.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore a saved state."""
        self.pools.load_state_dict(state)
