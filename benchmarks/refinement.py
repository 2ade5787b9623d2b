"""The CRF and the confusion counts, in one process per core."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.logits import CLASSES, GRID, SIDE
from benchmarks.measure import Row, Target, alternate, cores
from depthg.demo import render
from depthg.evaluation.metrics import confusion
from depthg.evaluation.predict import PredictedLogits, Prediction, add_refined, upsample

CROPS_A_CORE = 8
SHARE = 0.9  # of the cores


def measured(root: Path) -> list[Row]:
    """One row; includes the start of the workers, once for all crops, as in the stage."""
    workers = cores()
    crops = CROPS_A_CORE * max(workers, 2)
    scored = [_scored(crop) for crop in range(crops)]
    works = {"ours": lambda: _count(scored, workers), "reference": lambda: _count(scored, 1)}
    costs = alternate(works, rounds=2)
    row = Row(
        "CRF and counts",
        f"{crops} maps of 320 px, {CLASSES} clusters, {workers} processes",
        costs["ours"],
        costs["reference"],
        "one process",
        crops,
        "maps",
        Target("ratio", SHARE * workers),
        note="memory is that of the main process; the target is 0.9 times the cores",
    )
    return [row]


def _scored(seed: int) -> PredictedLogits:
    """A rendered picture, and a random prediction for it."""
    view = render(seed, SIDE, SIDE)
    logits = torch.randn(GRID[0] * GRID[1], CLASSES, generator=torch.Generator().manual_seed(seed))
    full = upsample(logits, GRID, (SIDE, SIDE))
    return Prediction(seed, view.image, view.label.astype(np.uint16), {}), {"unsupervised": full}


def _count(scored: list[PredictedLogits], workers: int) -> np.ndarray:
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    fresh = ((Prediction(p.crop, p.image, p.label, {}), logits) for p, logits in scored)
    for prediction in add_refined(fresh, workers):
        counts += confusion(prediction.maps["unsupervised_crf"], prediction.label, CLASSES, CLASSES)
    return counts
