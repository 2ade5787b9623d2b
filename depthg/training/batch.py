"""The tensors of one training step."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor

from depthg.losses.terms import Rolls
from depthg.runtime.device import send


class _Movable:
    """A dataclass of tensors that can be moved to a device."""

    def to(self, device: torch.device) -> Self:
        """Move all tensors to a device and cast floats to float32; other values stay unchanged.

        The cast happens on the device, so that float16 tokens are copied as float16.
        """
        return self.map(lambda value: _moved(value, device))

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Apply a function to every tensor; other values stay unchanged."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return type(self)(**{name: _mapped(value, function) for name, value in content.items()})


def _mapped(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, _Movable):
        return value.map(function)
    return function(value) if isinstance(value, Tensor) else value


def _moved(value: Tensor, device: torch.device) -> Tensor:
    there = send(value, device)
    return there.float() if there.is_floating_point() else there


@dataclass(frozen=True)
class Reads(_Movable):
    """Samples as weighted sums of tokens.

    Attributes:
        ids: positions of the tokens around each of m samples, int64 [B, m, c], distinct within a row.
        weights: their weights, float32 [B, m, c].
    """

    ids: Tensor
    weights: Tensor


@dataclass(frozen=True)
class SampledTokens(_Movable):
    """The tokens of the anchors, of their neighbours, or of their siblings in a batch.

    Attributes:
        tokens: input of the head, float [B, T, C]: the n sampled tokens, then their neighbours for LHP, then padding;
            in the dtype of the store, float32 after `to`.
        mix_ids: positions in `tokens` of each sampled token's neighbours, int64 [B, n, k]; k = 0 without LHP.
        mix_weights: weight of each neighbour in the mixed code, float32 [B, n, k].
        reads: for samples that are not distinct whole tokens, the tokens from which they are read; `n` above is then
            the number of these tokens. None: the samples are the first n tokens.
    """

    tokens: Tensor
    mix_ids: Tensor
    mix_weights: Tensor
    reads: Reads | None = None

    def sampled(self, values: Tensor) -> Tensor:
        """Values float [B, n, …] at the samples, of values [B, T, …] of all tokens, or of the first n of them."""
        own = values[:, : self.mix_ids.shape[1]]
        return own if self.reads is None else mix(own, self.reads.ids, self.reads.weights)


@dataclass(frozen=True)
class Batch(_Movable):
    """The tensors of one training step.

    Attributes:
        anchor: tokens of the anchors.
        neighbor: tokens of one k-NN neighbour per anchor, its rank drawn uniformly.
        positions: depth and 3D point (d, x, y, z) of the anchors' sampled tokens, float32 [B, n, 4], or [B, 0, 4].
        rolls: cyclic shifts of the batch, in 1 … B − 1, so that no crop becomes its own negative; or, in a CUDA
            graph, the indices of the negatives that they give, int64 [negatives, B].
        sibling: tokens of another crop of each anchor's image; None unless depth is paired across crops.
        sibling_positions: depth and 3D points of the siblings' sampled tokens, float32 [B, n, 4], or None.
        view: tokens of the anchors' photometric views at the sampled tokens, float [B, n, C], or None.
    """

    anchor: SampledTokens
    neighbor: SampledTokens
    positions: Tensor
    rolls: Rolls
    sibling: SampledTokens | None = None
    sibling_positions: Tensor | None = None
    view: Tensor | None = None


def gather_tokens(values: Tensor, at: Tensor) -> Tensor:
    """Gather tokens from values [B, T, …] at indices int64 [B, n]: [B, n, …]."""
    return values[torch.arange(len(at), device=at.device)[:, None], at]


def mix(codes: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums Σ weight · s of the codes of some tokens, such as the neighbours of each sampled token.

    Args:
        codes: codes s, float [B, T, Q].
        ids: positions in `codes` of the tokens of each sum, int64 [B, n, k], distinct within a row.
        weights: their weights, float [B, n, k].

    Returns:
        float [B, n, Q].
    """
    # A matrix product has a matrix product as gradient: faster than scatter-add, and deterministic on a GPU.
    matrix = torch.zeros(*ids.shape[:2], codes.shape[1], dtype=codes.dtype, device=codes.device)
    return matrix.scatter_(-1, ids, weights) @ codes
