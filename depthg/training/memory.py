"""How training reads its stores: on a GPU, from memory wherever that holds a whole array; else row by row.

A card takes a step faster than Python reads a batch of rows, so that single reads would be what it waits for.
"""

import math
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from depthg.runtime.device import send
from depthg.store.reader import Store

CPU = torch.device("cpu")
SHARE = 0.5  # of a GPU's free memory for one array: other trainings may share it
MAIN = 4 << 30  # bytes of main memory for one array
LOADED = 64  # rows read at a time


class Memory:
    """Reads rows of arrays for a training on a device; values are those of the store, in its dtype unless said.

    Args:
        where: device of the training. A GPU's memory keeps what fits from the first read on; on a CPU nothing is kept.

    Attributes:
        keeps: whether arrays are kept.

    Example:
        >>> memory = Memory(torch.device("cuda"))
        >>> memory.rows(geometry, "depth", np.array([3, 17])).shape, memory.rows(geometry, "depth", rows).device
        (torch.Size([2, 28, 28]), device(type='cuda', index=0))
    """

    def __init__(self, where: torch.device = CPU):
        self.where, self.keeps = where, where.type == "cuda"
        self._kept: dict[tuple[object, str, torch.device], Tensor | None] = {}
        self._loading = Lock()

    def rows(self, store: Store, name: str, rows: np.ndarray) -> Tensor:
        """Rows [B, …] on the device; those of uint16 arrays as int32 where memory keeps them."""
        kept = self._held(store, name, self.where)
        if kept is None:
            return send(torch.from_numpy(store.read(name, rows)), self.where)
        return kept[self._index(rows)]

    def values(self, store: Store, name: str, rows: np.ndarray) -> np.ndarray:
        """Rows [B, …] in main memory, for what is computed there."""
        kept = self._held(store, name, CPU)
        return store.read(name, rows) if kept is None else kept.numpy()[rows]

    def tokens(self, store: Store, rows: np.ndarray, at: Tensor) -> Tensor:
        """Tokens [B, T, C] on the device, at token indices int64 [B, T] of the rows int64 [B]."""
        kept = self._held(store, "tokens", self.where)
        if kept is None:
            return send(torch.from_numpy(store.take("tokens", rows, at.cpu().numpy())), self.where)
        return gather_rows(kept, self._index(rows), at)

    def _held(self, store: Store, name: str, where: torch.device) -> Tensor | None:
        """All rows of an array, kept on a device; None if they do not fit, and for a training on the CPU."""
        if not self.keeps:
            return None
        key = (store.path, name, where)
        with self._loading:
            if key not in self._kept:
                self._kept[key] = load(store, name, where) if _size(store, name) < _room(where) else None
        return self._kept[key]

    def _index(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(rows).to(self.where, non_blocking=True)


def load(store: Store, name: str, where: torch.device) -> Tensor:
    """All rows of an array on a device, [M, …]; uint16, which GPUs hardly know, as int32."""
    first = torch.from_numpy(store.read(name, [0]))
    dtype = torch.int32 if first.dtype == torch.uint16 else first.dtype
    values = torch.empty(len(store), *first.shape[1:], dtype=dtype, device=where)
    for rows, some in store.batches(name, LOADED):
        values[rows.start : rows.stop] = torch.from_numpy(some).to(dtype)
    return values


def gather_rows(tokens: Tensor, rows: Tensor, at: Tensor) -> Tensor:
    """Tokens [B, T, C] out of [M, h, w, C], at token indices int64 [B, T] of the rows int64 [B]."""
    return tokens.flatten(1, 2)[rows[:, None], at]


def _room(where: torch.device) -> float:
    """Bytes that one array may take on a device."""
    return SHARE * torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else MAIN


def _size(store: Store, name: str) -> int:
    """Bytes of an array as it is read; tokens of int8 are read as float32."""
    first = store.read(name, [0])
    return (
        len(store)
        * math.prod(first.shape[1:])
        * first.dtype.itemsize
        * (2 if first.dtype == np.uint16 else 1)
    )
