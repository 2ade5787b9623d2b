"""The mean of the training crops' tokens, for models that take it off (`tokens: centred`)."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from depthg.data.spaced import evenly_spaced
from depthg.runtime.progress import track
from depthg.store.arrays import Array
from depthg.store.tokens import TokenStore
from depthg.store.writer import Writer

CROPS = 4096  # at most, evenly spread over the store: some three million tokens
BATCH = 16


def mean_array(channels: int) -> dict[str, Array]:
    """Array of the store of the mean of tokens with C channels: `mean` float32 [C]."""
    return {"mean": Array((channels,), "float32", compress=False)}


def make_mean(features: Path, out: Path) -> None:
    """Write the mean of the tokens, each scaled to unit length before.

    Args:
        features: store with `tokens` [M, h, w, C].
        out: store to write: `mean` float32 [1, C].
    """
    source = TokenStore(features)
    rows = evenly_spaced(len(source), CROPS)
    total = np.zeros(source.shape("tokens")[-1])
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    for batch in track(batches, len(batches), "mean token"):
        tokens = torch.from_numpy(source.read("tokens", batch)).float()
        total += normalize(tokens, dim=-1).mean((1, 2)).double().sum(0).numpy()
    provenance = {"features": source.fingerprint, "crops": source.provenance["crops"]}
    writer = Writer(out, 1, mean_array(len(total)), provenance)
    for row in writer.pending(1):
        writer.write(row, mean=(total / len(rows))[None])
    writer.finish()
