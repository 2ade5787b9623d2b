"""Scheduled crops: a store of only those training crops that the training runs of all seeds will draw.

A training of 2,334 batches sees at most 149,376 of COCO-Stuff's 488,510 crops. The seeds and the neighbour store
determine which ones, so depth, tokens and geometry of all other crops need not be computed.
"""

from pathlib import Path

import numpy as np

from depthg.config.settings import ScheduleSettings
from depthg.stages.crops import crop_arrays
from depthg.stages.draws import Draws, check_crops, check_siblings
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

BATCH = 64


def make_scheduled(crops: Path, neighbors: Path, out: Path, settings: ScheduleSettings) -> None:
    """Write the K scheduled crops: all arrays of a crop store, and `row` int64 [K], their ascending rows in `crops`.

    Args:
        crops: store of all training crops.
        neighbors: store of their neighbours.
        out: store to write; an interrupted run resumes.
        settings: the seeds, the number of batches, and the settings of `Draws`.

    Raises:
        DepthGError: there are too few crops for a batch, or too few neighbours or siblings per crop.
    """
    source, near = Store(crops), Store(neighbors)
    near.expect(crops=source)
    rows = scheduled_crops(near, settings)
    arrays = crop_arrays(source.shape("images")[0])
    provenance = {
        "crops": source.fingerprint,
        "neighbors": near.fingerprint,
        "settings": settings.model_dump(),
    }
    writer = Writer(out, len(rows), arrays | {"row": Array((), "int64", compress=False)}, provenance)
    for batch in writer.tracked(BATCH, "scheduled crops"):
        chosen = rows[batch.start : batch.stop]
        writer.write(batch, row=chosen, **{name: source.read(name, chosen) for name in arrays})
    writer.finish()


def scheduled_crops(neighbors: Store, settings: ScheduleSettings) -> np.ndarray:
    """Indices of the crops that at least one seed's training draws, int64 [K], ascending."""
    check_crops(neighbors, settings)
    if settings.depth_pairs == "sibling":
        check_siblings(neighbors)
    drawn = np.zeros(len(neighbors), bool)
    for seed in settings.seeds:
        draws = Draws(neighbors, settings, seed)
        for step in range(settings.batches):
            drawn[draws.crops(step)] = True
    return np.flatnonzero(drawn)
