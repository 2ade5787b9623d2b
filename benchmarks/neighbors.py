"""k-NN search among many vectors."""

from pathlib import Path

import faiss
import numpy as np
import torch

from benchmarks.measure import Row, Target, Work, alternate
from benchmarks.stores import CHANNELS, KEPT, unit_vectors
from benchmarks.straightforward import nearest_vectors
from depthg.stages.neighbors import BATCH

VECTORS = 20_000


def measured(root: Path) -> list[Row]:
    """One row: one batch of the stage, searched among all vectors."""
    vectors = torch.from_numpy(unit_vectors(VECTORS, CHANNELS, np.random.default_rng(0)))
    works = {
        "ours": searching(VECTORS, BATCH),
        "reference": lambda: nearest_vectors(vectors[:BATCH], vectors, KEPT + 1),
    }
    costs = alternate(works)
    row = Row(
        "neighbours",
        f"{KEPT} of {BATCH:,} crops among {VECTORS:,}, {CHANNELS} channels",
        costs["ours"],
        costs["reference"],
        "torch, 512 crops at a time: einsum, topk",
        BATCH,
        "crops",
        Target("ratio", 1),
    )
    return [row]


def searching(vectors: int, queries: int) -> Work:
    """Search the neighbours of the first vectors among all, as the stage does."""
    pooled = unit_vectors(vectors, CHANNELS, np.random.default_rng(0))
    index = faiss.IndexFlatIP(CHANNELS)
    index.add(pooled)
    return lambda: index.search(pooled[:queries], KEPT + 1)
