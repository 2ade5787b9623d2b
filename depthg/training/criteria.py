"""Criteria by which a training run may choose the weights that it keeps: the training loss, or labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from depthg.config.settings import TrainSettings
from depthg.data.classes import check_labels, read_classes
from depthg.errors import DepthGError
from depthg.evaluation.clustering import fit_centroids, sample_codes
from depthg.evaluation.codes import CodeReader, open_split
from depthg.evaluation.metrics import at_tokens, confusion, match, score
from depthg.models.checkpoint import Model
from depthg.store.reader import Store
from depthg.training.batches import Batches
from depthg.training.inputs import Inputs
from depthg.training.objective import Objective

EVALUATIONS = 10  # evaluations of a criterion per run
LOSS_BATCHES = 8  # batches of the label-free criterion
KMEANS_CODES = 20_000  # codes on which k-means is fitted


class Criterion(Protocol):
    """A score of a model, higher is better, and the steps after which it is asked for."""

    def __call__(self, model: Model) -> float:
        """The score of a model in evaluation mode."""
        ...

    def looks(self, batches: int) -> Iterable[int]:
        """The steps, from 0, of a run of some length."""
        ...


def evenly(batches: int) -> Iterable[int]:
    """Every tenth of a run, and its end.

    Example:
        >>> list(evenly(20))
        [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]
    """
    every = max(1, batches // EVALUATIONS)
    return sorted({*range(every - 1, batches, every), batches - 1})


@dataclass(frozen=True)
class LabelledSplit:
    """Paths of labelled validation crops: their feature store, their crop store, and classes.csv."""

    features: Path
    crops: Path
    classes: Path

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of the stores, by name."""
        return {"labelled": Store(self.features).fingerprint, "labels": Store(self.crops).fingerprint}


class LossCriterion:
    """Label-free criterion: the loss on fixed batches of training crops drawn with another seed, guided as in step 0.

    Args:
        inputs: the opened stores.
        settings: training settings.
        objective: training objective of the model.
        seed: seed of the training run.
    """

    looks = staticmethod(evenly)

    def __init__(self, inputs: Inputs, settings: TrainSettings, objective: Objective, seed: int, **_: Any):
        self.batches, self.objective = Batches(inputs, settings, seed + 2**32), objective

    @torch.no_grad()
    def __call__(self, model: Model) -> float:
        """The negative mean loss over the batches."""
        where = next(model.parameters()).device
        losses = [self.objective(self.batches(i).to(where), 0)["total"] for i in range(LOSS_BATCHES)]
        return -float(torch.stack(losses).mean())


class LabelCriterion:
    """As released and in STEGO: mIoU of k-means on the validation set. It uses the labels of the final evaluation.

    Args:
        seed: seed of k-means.
        labelled: the labelled validation crops.

    Raises:
        DepthGError: no labelled crops are given, or they have no classes.
    """

    looks = staticmethod(evenly)

    def __init__(self, seed: int, labelled: LabelledSplit | None, **_: Any):
        if labelled is None or not len(read_classes(labelled.classes)):
            raise DepthGError("settings: selection: labels needs labelled validation images: set it to last")
        self.seed, self.classes = seed, len(read_classes(labelled.classes))
        self.features, self.crops = open_split(labelled.features, labelled.crops)

    def __call__(self, model: Model) -> float:
        """The mIoU in percent, computed at token resolution."""
        reader = CodeReader(self.features, model)
        centroids = torch.from_numpy(
            fit_centroids(sample_codes(reader, KMEANS_CODES, self.seed), self.classes, 1, self.seed)
        )
        h, w = reader.grid
        counts = np.zeros((self.classes, self.classes), np.int64)
        for row in range(len(reader)):
            codes = reader.codes([row])[0]
            found = (codes @ centroids.T.to(codes.device)).argmax(-1).view(h, w).cpu().numpy()
            label = self.crops.read("labels", [row])[0]
            check_labels(label, self.classes, str(self.crops.path))
            there = at_tokens(label[None], (h, w))[0]
            counts += confusion(found.astype(np.uint16), there, *counts.shape)
        return score(counts, match(counts)).miou
