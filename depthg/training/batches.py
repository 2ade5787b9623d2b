"""Assembles the batch of a training step: anchors, one neighbour per anchor, and the tokens sampled from both.

A batch is a pure function of (seed, step); its crops are drawn by `depthg.stages.draws`. Unless a released variant is
set, tokens, codes and depth are read at the same token indices (row · w + column).
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from depthg.config.settings import TrainSettings
from depthg.stages.draws import Draws
from depthg.training.batch import Batch, Side
from depthg.training.guidance import SAMPLES
from depthg.training.inputs import Inputs
from depthg.training.lhp import MIXINGS
from depthg.training.sampling import DEPTHS, PLACES, SAMPLERS


class Batches:
    """Makes the batch of a step.

    Args:
        inputs: the opened stores.
        settings: batch size, sampling, pairing and local hidden positives.
        seed: seed of the training run.
    """

    def __init__(self, inputs: Inputs, settings: TrainSettings, seed: int):
        self.inputs, self.settings = inputs, settings
        self.draws = Draws(inputs.neighbors, settings, seed)

    def __call__(self, step: int) -> Batch:
        """The batch of a step, on the CPU."""
        drawn, rng = self.draws.anchors(step), self.draws.rng(step)
        anchors, neighbors = map(self.inputs.places_of, (drawn, self.draws.neighbors(drawn, rng)))
        anchor_at, neighbor_at = (self._sample(rows, step, rng) for rows in (anchors, neighbors))
        anchor, neighbor = self._side(anchors, anchor_at, True), self._side(neighbors, neighbor_at, False)
        places, rolls = self._places(anchors, anchor_at), self._rolls(rng)
        batch = Batch(anchor, neighbor, places, rolls, view=self._view(anchors, anchor_at))
        if self.settings.depth_loss == "none" or self.settings.depth_pairs == "crop":
            return batch
        siblings = self.inputs.places_of(self.draws.siblings(drawn, step))
        at = self._sample(siblings, step, rng)
        sibling, places = self._side(siblings, at, False), self._places(siblings, at)
        return replace(batch, sibling=sibling, sibling_places=places)

    def _sample(self, rows: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
        """Indices of the sampled tokens of each crop, int64 [B, n]."""
        count = SAMPLES[self.settings.sample_schedule](self.settings.samples, step) ** 2
        return SAMPLERS[self.settings.sampling](self.inputs, rows, count, rng)

    def _places(self, rows: np.ndarray, at: np.ndarray) -> Tensor:
        """Depth and 3D points (d, x, y, z) of the sampled tokens, float32 [B, n, 4]; [B, 0, 4] without depth loss."""
        if self.settings.depth_loss == "none":
            return torch.empty(len(rows), 0, 4)
        return DEPTHS[self.settings.depth_at](self.inputs.places(rows), torch.from_numpy(at))

    def _side(self, rows: np.ndarray, sampled: np.ndarray, anchor: bool) -> Side:
        at = torch.from_numpy(PLACES[self.settings.tokens_at](sampled, self.inputs.grid))
        ids, shares = torch.empty(*at.shape, 0, dtype=torch.int64), torch.empty(*at.shape, 0)
        if self.settings.lhp != "none":
            near, weights = self.inputs.mixture(rows)
            ids, shares = MIXINGS[self.settings.mixing](near, weights, at, anchor)
        kept, places = with_neighbors(at, ids, self.inputs.tokens)
        tokens = torch.from_numpy(self.inputs.features.take("tokens", rows, kept.numpy()))
        return Side(tokens, places, shares)

    def _view(self, rows: np.ndarray, sampled: np.ndarray) -> Tensor | None:
        """Tokens of the photometric view at the same indices as the anchors' tokens, float [B, n, C]."""
        if self.inputs.view is None:
            return None
        at = PLACES[self.settings.tokens_at](sampled, self.inputs.grid)
        return torch.from_numpy(self.inputs.view.take("tokens", rows, at))

    def _rolls(self, rng: np.random.Generator) -> list[int]:
        """Cyclic shifts in 1 … B − 1, one per negative; distinct unless there are more negatives than shifts."""
        shifts, negatives = self.settings.batch - 1, self.settings.negatives
        return [1 + int(roll) for roll in rng.choice(shifts, negatives, replace=negatives > shifts)]


def with_neighbors(at: Tensor, ids: Tensor, tokens: int) -> tuple[Tensor, Tensor]:
    """Union of the sampled tokens and their neighbours: the head maps tokens independently, so no others are read.

    Args:
        at: indices of the sampled tokens, int64 [B, n], distinct within a row.
        ids: indices of their neighbours, int64 [B, n, k]; repetitions are allowed.
        tokens: number of tokens per crop P.

    Returns:
        kept: int64 [B, T], distinct within a row, the sampled tokens first. T is the largest union of any crop;
            shorter rows are padded with unused tokens.
        places: position of each neighbour in `kept`, int64 [B, n, k].
    """
    count, last = at.shape[1], torch.arange(tokens).expand(len(at), -1)
    rank = torch.full((len(at), tokens), count + 1).scatter_(1, ids.flatten(1), count)
    rank.scatter_(1, at, last[:, :count])
    kept = rank.argsort(dim=1, stable=True)
    places = torch.empty_like(kept).scatter_(1, kept, last).gather(1, ids.flatten(1))
    return kept[:, : int((rank <= count).sum(1).max())], places.view_as(ids)
