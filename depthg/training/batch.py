"""The tensors of one training step."""

from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor

from depthg.runtime.device import send


class _Movable:
    """A dataclass of tensors that can be moved to a device."""

    def to(self, device: torch.device) -> Self:
        """The same content on a device, floats as float32; values that are not tensors stay.

        The cast is done on the device: half as many bytes are copied, and a GPU is faster at it.
        """
        content = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return type(self)(**{name: _moved(value, device) for name, value in content.items()})


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, _Movable):
        return value.to(device)
    if not isinstance(value, Tensor):
        return value
    there = send(value, device)
    return there.float() if there.is_floating_point() else there


@dataclass(frozen=True)
class Side(_Movable):
    """The anchors, or the neighbours, of a batch.

    Attributes:
        tokens: float [B, T, C], the input of the head: the n sampled tokens, their neighbours for LHP, padding; in
            the dtype of the store, float32 once on a device.
        mix_ids: int64 [B, n, k], where in `tokens` the neighbours of each sampled one are; k = 0 without LHP.
        mix_shares: float32 [B, n, k], the share of each in the mixed code.
    """

    tokens: Tensor
    mix_ids: Tensor
    mix_shares: Tensor

    def sampled(self, values: Tensor) -> Tensor:
        """Values [B, T, …] of the tokens at the sampled ones, [B, n, …]."""
        return values[:, : self.mix_ids.shape[1]]


@dataclass(frozen=True)
class Batch(_Movable):
    """The tensors of one training step.

    Attributes:
        anchor: the anchors.
        neighbor: a neighbour of each, of uniform rank.
        places: of the anchors' sampled tokens, (d, x, y, z), float32 [B, n, 4]; [B, 0, 4] where no term reads them.
        rolls: distinct cyclic shifts of the batch, 1 … B − 1: no crop becomes its own negative.
        sibling: another crop of each anchor's image, where depth is paired with it.
        sibling_places: its places, float32 [B, n, 4].
        view: tokens of a photometric view of the anchors at the sampled places, float [B, n, C], where needed.
    """

    anchor: Side
    neighbor: Side
    places: Tensor
    rolls: list[int]
    sibling: Side | None = None
    sibling_places: Tensor | None = None
    view: Tensor | None = None


def take(values: Tensor, at: Tensor) -> Tensor:
    """Rows of [B, T, …] at int64 [B, n]: [B, n, …]."""
    return values[torch.arange(len(at), device=at.device)[:, None], at]
