"""Assembles the batch of a training step: anchors, one neighbour per anchor, and the tokens sampled from both.

A batch is a pure function of (seed, step); its crops are drawn by `depthg.stages.draws`. Unless a released variant is
set, tokens, codes and depth are read at the same samples, of which `depthg.training.sampling` says what they are.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from depthg.config.settings import TrainSettings
from depthg.stages.draws import Draws
from depthg.training.batch import Batch, Reads, SampledTokens
from depthg.training.guidance import SAMPLE_SCHEDULES
from depthg.training.inputs import Inputs
from depthg.training.lhp import MIXINGS
from depthg.training.memory import CPU, Memory
from depthg.training.sampling import DEPTH_AT, READS, SAMPLERS, TOKENS_AT, corners


class Batches:
    """Makes the batch of a step.

    Args:
        inputs: the opened stores.
        settings: batch size, sampling, pairing and local hidden positives.
        seed: seed of the training run.
        where: device of the training, on which batches are made, from what its memory holds of the stores.
    """

    def __init__(self, inputs: Inputs, settings: TrainSettings, seed: int, where: torch.device = CPU):
        memory = Memory(where)
        self.inputs, self.settings, self.memory = replace(inputs, memory=memory), settings, memory
        self.draws = Draws(inputs.neighbors, settings, seed, partial(memory.values, inputs.neighbors, "ids"))

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        drawn, rng = self.draws.anchors(step), self.draws.rng(step)
        anchors, neighbors = map(self.inputs.store_rows, (drawn, self.draws.neighbors(drawn, rng)))
        anchor_at, neighbor_at = (self._sample(rows, step, rng) for rows in (anchors, neighbors))
        positions, rolls = self._positions(anchors, anchor_at), self._rolls(rng)
        anchor = self._tokens(anchors, [anchor_at, *self._elsewhere(neighbor_at, rolls)], True)
        neighbor = self._tokens(neighbors, [neighbor_at], False)
        batch = Batch(anchor, neighbor, positions, rolls, view=self._view(anchors, anchor_at))
        if self.settings.depth_loss == "none" or self.settings.depth_pairs == "crop":
            return batch
        siblings = self.inputs.store_rows(self.draws.siblings(drawn, step))
        at = self._sample(siblings, step, rng)
        sibling, positions = self._tokens(siblings, [at], False), self._positions(siblings, at)
        return replace(batch, sibling=sibling, sibling_positions=positions)

    def _sample(self, rows: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
        """Samples of each crop, int64 [B, n] or float64 [B, n, 2]."""
        count = SAMPLE_SCHEDULES[self.settings.sample_schedule](self.settings.samples, step) ** 2
        sampled = SAMPLERS[self.settings.sampling](self.inputs, rows, count, rng)
        return READS[self.settings.reads](sampled, self.inputs.grid)

    def _elsewhere(self, neighbor_at: np.ndarray, rolls: list[int]) -> list[np.ndarray]:
        """For each roll, where every anchor is read as the negative of another one; nothing if at its own samples.

        Crop b − roll is the negative of anchor b and, as released, read at the samples of b's k-NN neighbour.
        """
        if self.settings.negatives_at == "own":
            return []
        return [np.roll(neighbor_at, -roll, axis=0) for roll in rolls]

    def _positions(self, rows: np.ndarray, at: np.ndarray) -> Tensor:
        """Depth and 3D points (d, x, y, z) of the sampled tokens, float32 [B, n, 4]; [B, 0, 4] without depth loss."""
        if self.settings.depth_loss == "none":
            return torch.empty(len(rows), 0, 4, device=self.memory.where)
        return DEPTH_AT[self.settings.depth_at](self.inputs.positions(rows), self._there(at))

    def _tokens(self, rows: np.ndarray, sampled: list[np.ndarray], anchor: bool) -> SampledTokens:
        """The tokens that crops are read from at blocks of samples and, for LHP, their neighbours with weights."""
        place = TOKENS_AT[self.settings.tokens_at]
        blocks = [self._there(place(at, self.inputs.grid)) for at in sampled]
        at, reads = tokens_to_read(blocks, self.inputs.grid)
        ids, weights = at.new_empty(*at.shape, 0), torch.empty(*at.shape, 0, device=at.device)
        if self.settings.lhp != "none":
            ids, weights = MIXINGS[self.settings.mixing](self.inputs, rows, at, anchor)
        kept, mix_ids = union_with_neighbors(at, ids, self.inputs.tokens)
        return SampledTokens(self.memory.tokens(self.inputs.features, rows, kept), mix_ids, weights, reads)

    def _there(self, at: np.ndarray) -> Tensor:
        """Samples on the device of the training."""
        return torch.from_numpy(at).to(self.memory.where, non_blocking=True)

    def _view(self, rows: np.ndarray, sampled: np.ndarray) -> Tensor | None:
        """Tokens of the photometric view at the same indices as the anchors' tokens, float [B, n, C]."""
        if self.inputs.view is None:
            return None
        at = TOKENS_AT[self.settings.tokens_at](sampled, self.inputs.grid)
        return torch.from_numpy(self.inputs.view.take("tokens", rows, at))

    def _rolls(self, rng: np.random.Generator) -> list[int]:
        """Cyclic shifts in 1 … B − 1, one per negative; distinct unless there are more negatives than shifts."""
        shifts, negatives = self.settings.batch - 1, self.settings.negatives
        return [1 + int(roll) for roll in rng.choice(shifts, negatives, replace=negatives > shifts)]


def tokens_to_read(blocks: list[Tensor], grid: tuple[int, int]) -> tuple[Tensor, Reads | None]:
    """The tokens from which crops are read at one or several blocks of samples.

    Args:
        blocks: tokens int64 [B, n], or places float64 [B, n, 2]; all of one kind.
        grid: rows and columns of tokens (h, w).

    Returns:
        Token indices int64 [B, R], distinct within a row; and how all samples, block by block, are read from these.
        None for one block of tokens: they are themselves.
    """
    if len(blocks) == 1 and not blocks[0].is_floating_point():
        return blocks[0], None
    found = torch.cat(blocks, dim=1)
    if found.is_floating_point():
        ids, weights = corners(found, grid)
    else:
        ids, weights = found[..., None], torch.ones(*found.shape, 1, device=found.device)
    at, index = union_with_neighbors(ids.new_empty(len(ids), 0), ids, grid[0] * grid[1])
    return at, Reads(index, weights)


def union_with_neighbors(at: Tensor, ids: Tensor, tokens: int) -> tuple[Tensor, Tensor]:
    """Union of the sampled tokens and their neighbours: the head maps tokens independently, so no others are read.

    Args:
        at: indices of the sampled tokens, int64 [B, n], distinct within a row.
        ids: indices of their neighbours, int64 [B, n, k]; repetitions are allowed.
        tokens: number of tokens per crop P.

    Returns:
        kept: int64 [B, T], distinct within a row, the sampled tokens first. T is the largest union of any crop, and on
            a GPU what a union can have, which does not wait for the values, and lets CUDA graphs be replayed;
            shorter rows are padded with unused tokens.
        index: where each neighbour is in `kept`, int64 [B, n, k].
    """
    if not ids.shape[2]:
        return at, ids
    count, last = at.shape[1], torch.arange(tokens, device=ids.device).expand(len(ids), -1)
    rank = torch.full_like(last, count + 1).scatter_(1, ids.flatten(1), count)
    rank.scatter_(1, at, last[:, :count])
    kept = rank.argsort(dim=1, stable=True)
    index = torch.empty_like(kept).scatter_(1, kept, last).gather(1, ids.flatten(1))
    largest = count + ids[0].numel() if ids.is_cuda else int((rank <= count).sum(1).max())
    return kept[:, :largest], index.view_as(ids)
