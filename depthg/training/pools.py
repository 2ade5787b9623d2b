"""Reference pools for hidden positives, and the EMA copy of the head that computes one of them."""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from depthg.errors import DepthGError
from depthg.losses.correlation import unit
from depthg.training.inputs import Inputs

READ = 64  # crops per read


class References:
    """Draws reference tokens at random from the training set, a new sample for every step.

    Each reference comes from a different crop; with fewer crops than references, all crops give equally many (±1).

    Args:
        inputs: the opened stores.
        count: number of references in a pool.
        seed: seed of the training run.

    Raises:
        DepthGError: `count` exceeds the number of stored tokens.
    """

    def __init__(self, inputs: Inputs, count: int, seed: int):
        self.count, self.seed = count, seed
        self.crops, self.tokens = inputs.crops, inputs.tokens
        self.store = inputs.features
        if count > self.crops * self.tokens:
            raise DepthGError(
                f"settings: hidden_positives: pool: {count} references, but {self.store.path} holds "
                f"{self.crops * self.tokens} tokens: set pool to at most that"
            )

    def draw(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Crop and token index of each reference at a step, int [count] each; all pairs are distinct."""
        rng = np.random.default_rng([self.seed, 3, step])
        crops = rng.permutation(self.crops)[: self.count]
        rounds = -(-self.count // len(crops))
        tokens = rng.random((len(crops), self.tokens)).argsort(axis=1)[:, :rounds]
        return np.tile(crops, rounds)[: self.count], tokens.T.reshape(-1)[: self.count]

    def __call__(self, step: int) -> Tensor:
        """Backbone features of the references drawn at a step, float32 [count, C]."""
        crops, tokens = self.draw(step)
        features = []
        for start in range(0, self.count, READ):
            chunk = slice(start, start + READ)
            maps = self.store.read("tokens", crops[chunk]).reshape(len(crops[chunk]), self.tokens, -1)
            features.append(maps[np.arange(len(maps)), tokens[chunk]])
        return torch.from_numpy(np.concatenate(features)).float()


class EMAHead(nn.Module):
    """Exponential moving average (EMA) of the head: θ ← m θ + (1 − m) θ_head; it receives no gradient.

    Args:
        head: the trained head, whose weights are copied at the start.
        momentum: m in [0, 1].
    """

    def __init__(self, head: nn.Module, momentum: float):
        super().__init__()
        self.head, self.momentum = copy.deepcopy(head).requires_grad_(False), momentum

    @torch.no_grad()
    def forward(self, tokens: Tensor) -> Tensor:
        """Codes float [..., P, Q] of tokens float [..., P, C], without gradient."""
        return self.head(tokens)

    @torch.no_grad()
    def update(self, head: nn.Module) -> None:
        """Update the moving average with the current weights of the head."""
        for own, other in zip(self.head.parameters(), head.parameters(), strict=True):
            own.mul_(self.momentum).add_(other, alpha=1 - self.momentum)


class Pools:
    """The task-agnostic and the task-specific reference pool of a training run.

    Dropout is drawn independently for every reference, as for the tokens compared with it in training.

    Args:
        references: draws the references.
        dropout: dropout module for features and EMA codes.
        head: the trained head.
        momentum: momentum of the EMA head.

    Attributes:
        agnostic: features of task-agnostic references, unit vectors float32 [count, C], drawn once.
        specific: EMA codes of task-specific references, unit vectors float32 [count, Q]; empty before `renew`.
        ema_head: the EMA copy of the head.
    """

    def __init__(self, references: References, dropout: nn.Module, head: nn.Module, momentum: float):
        self.references, self.dropout = references, dropout
        self.ema_head = EMAHead(head, momentum)
        self.device = next(head.parameters()).device
        self.agnostic = unit(dropout(references(0).to(self.device)[:, None])[:, 0])
        self.specific = torch.empty(0, device=self.device)

    def renew(self, step: int) -> None:
        """Recompute the task-specific pool before a step: new references, encoded by the current EMA head."""
        codes = self.dropout(self.ema_head(self.references(step).to(self.device)[:, None]))
        self.specific = unit(codes[:, 0])

    def state_dict(self) -> dict[str, Tensor]:
        """The state to checkpoint."""
        return {"specific": self.specific, "agnostic": self.agnostic, **self.ema_head.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore a saved state."""
        weights = dict(state)
        self.specific, self.agnostic = weights.pop("specific"), weights.pop("agnostic")
        self.ema_head.load_state_dict(weights)
