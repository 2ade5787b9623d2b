"""Mixing codes for local hidden positives, forward and backward."""

from pathlib import Path

import torch

from benchmarks import straightforward
from benchmarks.measure import Row, Work, alternate
from benchmarks.points import SETTINGS, clouds
from benchmarks.stores import GRID
from depthg.stages.geometry import nearest_tokens
from depthg.training.batch import mix
from depthg.training.lhp import mixing_weights

CROPS, SAMPLES, CODE_DIM = 8, 11**2, 70


def measured(root: Path) -> list[Row]:
    """One row. As in training, neighbours are precomputed, for the reference as well."""
    points = clouds(CROPS)
    weights = torch.stack(
        [straightforward.neighbor_weights(cloud, SETTINGS.lhp_neighbors) for cloud in points]
    )
    codes = torch.randn(CROPS, points.shape[1], CODE_DIM, requires_grad=True)

    def reference() -> None:
        pairs = zip(codes, weights, strict=True)
        torch.stack([straightforward.mix(code, weight) for code, weight in pairs]).sum().backward()

    costs = alternate({"ours": mixing(CROPS), "reference": reference}, rounds=3)
    row = Row(
        "local hidden positives",
        f"{CROPS} crops, {SAMPLES} of 784 codes of {CODE_DIM} channels",
        costs["ours"],
        costs["reference"],
        "all codes, by [784, 784, Q]",
        CROPS,
        "crops",
    )
    return [row]


def mixing(crops: int, grid: tuple[int, int] = GRID, samples: int = SAMPLES) -> Work:
    """Forward and backward pass of mixing the sampled codes of crops with those of their neighbours."""
    points = clouds(crops, grid)
    near, weights = nearest_tokens(points, SETTINGS.lhp_neighbors)
    at = torch.rand(crops, points.shape[1]).argsort(1)[:, :samples]
    ids, shares = mixing_weights(near, weights, at)
    codes = torch.randn(crops, points.shape[1], CODE_DIM, requires_grad=True)
    return lambda: mix(codes, ids, shares).sum().backward()
