"""Pools of references for hidden positives, and the slow copy of the head that fills one of them."""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from depthg.errors import DepthGError
from depthg.losses.correlation import unit
from depthg.training.inputs import Inputs

READ = 64  # crops read at once


class References:
    """Draws tokens of the training set: one of each of as many crops, drawn anew each time.

    Where there are fewer crops than references, every crop gives one token before any gives another.

    Args:
        inputs: the stores.
        count: references in a pool.
        seed: of the training run.

    Raises:
        DepthGError: more references than tokens.
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

    def places(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Crop and token of each reference drawn before a step, int [count] each, no pair twice."""
        rng = np.random.default_rng([self.seed, 3, step])
        crops = rng.permutation(self.crops)[: self.count]
        rounds = -(-self.count // len(crops))
        tokens = rng.random((len(crops), self.tokens)).argsort(axis=1)[:, :rounds]
        return np.tile(crops, rounds)[: self.count], tokens.T.reshape(-1)[: self.count]

    def __call__(self, step: int) -> Tensor:
        """The features of these references, float32 [count, C]."""
        crops, tokens = self.places(step)
        found = []
        for start in range(0, self.count, READ):
            some = slice(start, start + READ)
            maps = self.store.read("tokens", crops[some]).reshape(len(crops[some]), self.tokens, -1)
            found.append(maps[np.arange(len(maps)), tokens[some]])
        return torch.from_numpy(np.concatenate(found)).float()


class SlowHead(nn.Module):
    """A copy of the head that follows it slowly: θ ← m θ + (1 − m) θ_head. It is never trained itself.

    Args:
        head: the one to follow, from whose weights it starts.
        momentum: m.
    """

    def __init__(self, head: nn.Module, momentum: float):
        super().__init__()
        self.head, self.momentum = copy.deepcopy(head).requires_grad_(False), momentum

    @torch.no_grad()
    def forward(self, tokens: Tensor) -> Tensor:
        """Codes float [..., P, Q] of tokens float [..., P, C], without gradient."""
        return self.head(tokens)

    @torch.no_grad()
    def follow(self, head: nn.Module) -> None:
        """Take one step towards the weights of the head."""
        for own, other in zip(self.head.parameters(), head.parameters(), strict=True):
            own.mul_(self.momentum).add_(other, alpha=1 - self.momentum)


class Pools:
    """The references of a training run.

    Every reference passes a dropout of its own, as the tokens held against it do in training.

    Args:
        references: draws them.
        dropout: of features and of slow codes.
        head: the one in training.
        momentum: of its slow copy.

    Attributes:
        agnostic: task-agnostic references, features: unit vectors float32 [count, C], drawn once.
        specific: task-specific ones, slow codes: unit vectors float32 [count, Q]; empty until first renewed.
        slow: the slow copy of the head.
    """

    def __init__(self, references: References, dropout: nn.Module, head: nn.Module, momentum: float):
        self.references, self.dropout = references, dropout
        self.slow = SlowHead(head, momentum)
        self.where = next(head.parameters()).device
        self.agnostic = unit(dropout(references(0).to(self.where)[:, None])[:, 0])
        self.specific = torch.empty(0, device=self.where)

    def renew(self, step: int) -> None:
        """Renew the task-specific references by the slow head, as it is before a step."""
        codes = self.dropout(self.slow(self.references(step).to(self.where)[:, None]))
        self.specific = unit(codes[:, 0])

    def state_dict(self) -> dict[str, Tensor]:
        """The state to checkpoint."""
        return {"specific": self.specific, "agnostic": self.agnostic, **self.slow.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore that state."""
        weights = dict(state)
        self.specific, self.agnostic = weights.pop("specific"), weights.pop("agnostic")
        self.slow.load_state_dict(weights)
