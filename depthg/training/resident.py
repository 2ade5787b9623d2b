"""Tokens in the memory of a GPU, if it holds those of all crops: then batches are gathered there, not copied."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from depthg.store.reader import Store

SHARE = 0.5  # of a GPU's free memory: other trainings may share it
LOADED = 64  # crops copied at a time

TokenReader = Callable[[np.ndarray, Tensor], Tensor]  # rows int64 [B], token indices int64 [B, T] → [B, T, C]


def token_reader(store: Store, where: torch.device) -> TokenReader:
    """How to read tokens for a training on the device `where`: from its memory if they fit, else from the store.

    Args:
        store: store with `tokens` [M, h, w, C].

    Returns:
        a function of rows int64 [B] and token indices int64 [B, T]: tokens [B, T, C] as `Store.take` gives them, on
        the GPU or the CPU.
    """
    if where.type == "cuda" and _size(store) < SHARE * torch.cuda.mem_get_info(where)[0]:
        return partial(gather_rows, load_tokens(store, where))
    return partial(_take, store)


def load_tokens(store: Store, where: torch.device) -> Tensor:
    """All tokens of a store on a device [M, P, C], in the dtype in which they are read."""
    h, w, channels = store.shape("tokens")
    dtype = torch.from_numpy(store.read("tokens", [0])).dtype
    tokens = torch.empty(len(store), h * w, channels, dtype=dtype, device=where)
    for rows, values in store.batches("tokens", LOADED):
        tokens[rows.start : rows.stop] = torch.from_numpy(values).flatten(1, 2)
    return tokens


def gather_rows(tokens: Tensor, rows: np.ndarray, at: Tensor) -> Tensor:
    """Tokens [B, T, C] out of [M, P, C], at token indices int64 [B, T] of the rows int64 [B]."""
    chosen = torch.from_numpy(rows).to(tokens.device, non_blocking=True)
    return tokens[chosen[:, None], at.to(tokens.device, non_blocking=True)]


def _take(store: Store, rows: np.ndarray, at: Tensor) -> Tensor:
    return torch.from_numpy(store.take("tokens", rows, at.numpy()))


def _size(store: Store) -> int:
    """Bytes of the tokens as they are read; int8 is read as float32."""
    array = store.layout("tokens").array
    return len(store) * array.row_bytes * (4 if array.dtype == "int8" else 1)
