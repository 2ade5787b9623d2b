"""One step's worth of tensors."""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


class _Movable:
    """A dataclass of tensors that moves to a device as one."""

    def to(self, device: torch.device) -> Self:
        """The same content on the device; what is no tensor stays."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        moved = {name: value.to(device) for name, value in content.items() if hasattr(value, "to")}
        return type(self)(**{**content, **moved})


@dataclass(frozen=True)
class Side(_Movable):
    """The anchors, or the neighbours, of a batch.

    Attributes:
        tokens: float32 [B, T, C], those that pass the head: the n sampled ones, then their neighbours for LHP.
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
    """One step's worth.

    Attributes:
        anchor: the anchors.
        neighbor: a neighbour of each, of uniform rank.
        places: of the anchors' sampled tokens, (d, x, y, z), float32 [B, n, 4]; [B, 0, 4] where no term reads them.
        rolls: distinct cyclic shifts of the batch, 1 … B − 1: no crop becomes its own negative.
        sibling: another crop of each anchor's image, where depth is paired with it.
        sibling_places: its places, float32 [B, n, 4].
        view: tokens of a photometric view of the anchors at the sampled places, float32 [B, n, C], where needed.
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
