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
class SampledTokens(_Movable):
    """The tokens of the anchors, of their neighbours, or of their siblings in a batch.

    Attributes:
        tokens: input of the head, float [B, T, C]: the n sampled tokens, then their neighbours for LHP, then padding;
            in the dtype of the store, float32 after `to`.
        mix_ids: positions in `tokens` of each sampled token's neighbours, int64 [B, n, k]; k = 0 without LHP.
        mix_weights: weight of each neighbour in the mixed code, float32 [B, n, k].
    """

    tokens: Tensor
    mix_ids: Tensor
    mix_weights: Tensor

    def sampled(self, values: Tensor) -> Tensor:
        """Select the sampled tokens from values [B, T, …] of all tokens: [B, n, …]."""
        return values[:, : self.mix_ids.shape[1]]


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
