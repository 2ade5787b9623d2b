"""What a training step sees: anchors, one neighbour of each, and the tokens sampled from both.

A batch is a pure function of (seed, step), so that a resumed training goes on exactly where it stopped.
Tokens, codes and depth are all taken at the same token indices (row · w + column).
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from depthg.config import TrainSettings
from depthg.training.batch import Batch, Side, take
from depthg.training.inputs import Inputs

Sampler = Callable[[Inputs, np.ndarray, int, np.random.Generator], np.ndarray]


def random_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Tokens of each crop drawn uniformly without replacement, anew at every step: int64 [B, count]."""
    return rng.random((len(rows), inputs.tokens)).argsort(axis=1)[:, :count]


def farthest_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The first tokens of the farthest-point order (Sec. 3.4): int64 [B, count]."""
    return inputs.required_geometry.read("order", rows)[:, :count].astype(np.int64)


def all_tokens(inputs: Inputs, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Every token, whatever the count: int64 [B, P]."""
    return np.tile(np.arange(inputs.tokens), (len(rows), 1))


SAMPLERS: dict[str, Sampler] = {"random": random_tokens, "fps": farthest_tokens, "full": all_tokens}


class Batches:
    """Makes the batch of any step.

    Args:
        inputs: the stores.
        settings: batch, samples, sampling, neighbors, negatives, depth_loss, lhp.
        seed: of the training run.
    """

    def __init__(self, inputs: Inputs, settings: TrainSettings, seed: int):
        self.inputs, self.settings, self.seed = inputs, settings, seed
        self.sampler = SAMPLERS[settings.sampling]

    def __call__(self, step: int) -> Batch:
        """The batch of a step, on the CPU."""
        rng = np.random.default_rng([self.seed, 1, step])
        anchors = self.anchors(step)
        ranks = rng.integers(self.settings.neighbors, size=len(anchors))
        neighbors = self.inputs.neighbors.read("ids", anchors)[np.arange(len(anchors)), ranks]
        anchor_at, neighbor_at = (self._sample(rows, rng) for rows in (anchors, neighbors))
        depth = torch.empty(len(anchors), 0)
        if self.settings.depth_loss != "none":
            depth = take(self._geometry("depth", anchors).flatten(1).float(), anchor_at)
        anchor, neighbor = self._side(anchors, anchor_at), self._side(neighbors, neighbor_at)
        return Batch(anchor, neighbor, depth, self._rolls(rng))

    def anchors(self, step: int) -> np.ndarray:
        """Crops int64 [B]: each at most once an epoch, the order drawn anew for every epoch."""
        epoch, place = divmod(step, self.inputs.crops // self.settings.batch)
        order = _permutation(self.inputs.crops, self.seed, epoch)
        return order[place * self.settings.batch :][: self.settings.batch]

    def _sample(self, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(self.sampler(self.inputs, rows, self.settings.samples**2, rng))

    def _geometry(self, name: str, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self.inputs.required_geometry.read(name, rows))

    def _side(self, rows: np.ndarray, at: Tensor) -> Side:
        tokens = torch.from_numpy(self.inputs.features.read("tokens", rows)).flatten(1, 2)
        ids, weights = torch.empty(*at.shape, 0, dtype=torch.int64), torch.empty(*at.shape, 0)
        if self.settings.lhp != "none":
            ids = take(self._geometry("neighbors", rows), at).long()
            weights = take(self._geometry("weights", rows), at).float()
        kept, place = distinct(torch.cat([at[..., None], ids], dim=-1), tokens.shape[1])
        return Side(take(tokens, kept).float(), place[..., 0], place[..., 1:], weights)

    def _rolls(self, rng: np.random.Generator) -> list[int]:
        """The cyclic shifts; repeated only where the batch is too small for enough of them."""
        others, wanted = self.settings.batch - 1, self.settings.negatives
        return [1 + int(roll) for roll in rng.choice(others, wanted, replace=wanted > others)]


def distinct(wanted: Tensor, tokens: int) -> tuple[Tensor, Tensor]:
    """The tokens that a step needs, each once: the head sees one token at a time, so no other need pass it.

    Args:
        wanted: token indices int64 [B, n, m], repeated at will.
        tokens: P, tokens of a crop.

    Returns:
        kept: int64 [B, T], distinct in a row; T is the most that any crop needs, others pass a few in vain.
        place: int64 [B, n, m], where in `kept` each wanted one is.
    """
    needed = torch.zeros(len(wanted), tokens, dtype=torch.int64).scatter_(1, wanted.flatten(1), 1)
    kept = needed.argsort(dim=1, descending=True, stable=True)[:, : int(needed.sum(1).max())]
    place = (needed.cumsum(1) - 1).gather(1, wanted.flatten(1))
    return kept, place.view_as(wanted)


@lru_cache(maxsize=2)
def _permutation(crops: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the crops."""
    return np.random.default_rng([seed, 0, epoch]).permutation(crops)
