"""Which weights of a training run are kept: the last, or the best by a criterion looked at ten times a run."""

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

LOOKS = 10  # a run
HELD_OUT = 8  # batches
CODES = 20_000  # k-means is fitted on
Criterion = Callable[[Model], float]  # higher is better


@dataclass(frozen=True)
class Labelled:
    """Labelled validation crops: features, the crops themselves, classes.csv."""

    features: Path
    crops: Path
    classes: Path


class Loss:
    """Label-free: the loss on batches that training never sees in this order, with the guidance of step 0.

    Args:
        inputs: of the training.
        settings: of the training.
        objective: of the model in training.
        seed: of the run.
    """

    def __init__(self, inputs: Inputs, settings: TrainSettings, objective: Objective, seed: int, **_: Any):
        self.batches, self.objective = Batches(inputs, settings, seed + 2**32), objective

    @torch.no_grad()
    def __call__(self, model: Model) -> float:
        """Minus the mean loss."""
        where = next(model.parameters()).device
        losses = [self.objective(self.batches(i).to(where), 0)["total"] for i in range(HELD_OUT)]
        return -float(torch.stack(losses).mean())


class Labels:
    """As released and in STEGO: mIoU of k-means on the validation set: chosen by the labels that score it.

    Args:
        seed: of k-means.
        labelled: the validation set.

    Raises:
        DepthGError: there are no labels.
    """

    def __init__(self, seed: int, labelled: Labelled | None, **_: Any):
        if labelled is None or not len(read_classes(labelled.classes)):
            raise DepthGError("settings: selection: labels needs labelled validation images: set it to last")
        self.seed, self.classes = seed, len(read_classes(labelled.classes))
        self.features, self.crops = open_split(labelled.features, labelled.crops)

    def __call__(self, model: Model) -> float:
        """mIoU in percent, at token resolution."""
        reader = CodeReader(self.features, model)
        centroids = torch.from_numpy(
            fit_centroids(sample_codes(reader, CODES, self.seed), self.classes, 1, self.seed)
        )
        h, w = reader.grid
        counts = np.zeros((self.classes, self.classes), np.int64)
        for row in range(len(reader)):
            found = (reader.codes([row])[0] @ centroids.T).argmax(-1).view(h, w).numpy()
            label = self.crops.read("labels", [row])[0]
            check_labels(label, self.classes, str(self.crops.path))
            rows = (np.arange(h) + 0.5) * label.shape[0] / h
            columns = (np.arange(w) + 0.5) * label.shape[1] / w
            at_tokens = label[np.ix_(rows.astype(int), columns.astype(int))]
            counts += confusion(found.astype(np.uint16), at_tokens, *counts.shape)
        return score(counts, match(counts)).miou


def last(**_: Any) -> None:
    """No criterion: the last weights are kept."""


# Each is given what there is to judge by, by name, and takes what it needs of it.
CRITERIA: dict[str, Callable[..., Criterion | None]] = {"last": last, "loss": Loss, "labels": Labels}


class Selection:
    """Keeps the best weights seen so far.

    Args:
        criterion: what to go by; none: nothing is kept, and the last weights stand.
        batches: of the whole run.
    """

    def __init__(self, criterion: Criterion | None, batches: int):
        self.criterion, self.every = criterion, max(1, batches // LOOKS)
        self.last, self.best = batches - 1, float("-inf")
        self.weights: dict[str, torch.Tensor] = {}

    def due(self, step: int) -> bool:
        """Whether the weights after a step are to be judged."""
        return self.criterion is not None and (not (step + 1) % self.every or step == self.last)

    def look(self, model: Model, step: int) -> float | None:
        """Judge the weights after a step, if that is due; the score, or None."""
        if self.criterion is None or not self.due(step):
            return None
        model.eval()
        found = self.criterion(model)
        model.train()
        if found > self.best:
            self.best, self.weights = found, copy.deepcopy(model.state_dict())
        return found

    def restore_best(self, model: Model) -> None:
        """Give the model the best weights."""
        if self.weights:
            model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """The state to checkpoint."""
        return {"best": self.best, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore that state."""
        self.best, self.weights = state["best"], state["weights"]
