"""Selection of the weights that a training run keeps: the last, or the best by a criterion evaluated ten times."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from depthg.config.settings import TrainSettings
from depthg.data.classes import check_labels, read_classes
from depthg.errors import DepthGError
from depthg.evaluation.clustering import fit_centroids, sample_codes
from depthg.evaluation.codes import CodeReader, open_split
from depthg.evaluation.metrics import confusion, match, score
from depthg.models.checkpoint import Model
from depthg.training.batches import Batches
from depthg.training.inputs import Inputs
from depthg.training.objective import Objective

EVALUATIONS = 10  # evaluations of the criterion per run
LOSS_BATCHES = 8  # batches of the label-free criterion
KMEANS_CODES = 20_000  # codes on which k-means is fitted
Criterion = Callable[[Model], float]  # returns a score, higher is better


@dataclass(frozen=True)
class LabelledSplit:
    """Paths of labelled validation crops: their feature store, their crop store, and classes.csv."""

    features: Path
    crops: Path
    classes: Path


class LossCriterion:
    """Label-free criterion: the loss on fixed batches of training crops drawn with another seed, guided as in step 0.

    Args:
        inputs: the opened stores.
        settings: training settings.
        objective: training objective of the model.
        seed: seed of the training run.
    """

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
            rows = (np.arange(h) + 0.5) * label.shape[0] / h
            columns = (np.arange(w) + 0.5) * label.shape[1] / w
            at_tokens = label[np.ix_(rows.astype(int), columns.astype(int))]
            counts += confusion(found.astype(np.uint16), at_tokens, *counts.shape)
        return score(counts, match(counts)).miou


def keep_last(**_: Any) -> None:
    """No criterion: the last weights are kept."""


# Setting `selection` → function that gets inputs, settings, objective, seed and labelled by name → Criterion or None.
CRITERIA: dict[str, Callable[..., Criterion | None]] = {
    "last": keep_last,
    "loss": LossCriterion,
    "labels": LabelCriterion,
}


class Selection:
    """Keeps a copy of the weights with the highest score so far.

    Args:
        criterion: scores a model; with None no copy is kept, and the last weights are used.
        batches: number of steps of the whole run.
    """

    def __init__(self, criterion: Criterion | None, batches: int):
        self.criterion, self.every = criterion, max(1, batches // EVALUATIONS)
        self.last, self.best = batches - 1, float("-inf")
        self.weights: dict[str, torch.Tensor] = {}

    def due(self, step: int) -> bool:
        """Whether the weights after a step are to be evaluated."""
        return self.criterion is not None and (not (step + 1) % self.every or step == self.last)

    def update(self, model: Model, step: int) -> float | None:
        """Evaluate the weights after a step if due, and keep them if best; returns the score, None if not due."""
        if self.criterion is None or not self.due(step):
            return None
        model.eval()
        found = self.criterion(model)
        model.train()
        if found > self.best:
            self.best, self.weights = found, copy.deepcopy(model.state_dict())
        return found

    def restore_best(self, model: Model) -> None:
        """Load the best weights into the model; does nothing without a criterion."""
        if self.weights:
            model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """The state to checkpoint."""
        return {"best": self.best, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a saved state."""
        self.best, self.weights = state["best"], state["weights"]
