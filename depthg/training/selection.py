"""Selection of the weights that a training run keeps: the last, or the best by a criterion evaluated some times."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from depthg.errors import DepthGError
from depthg.models.checkpoint import Model
from depthg.training.criteria import Criterion, LabelCriterion, LossCriterion
from depthg.training.stability import StabilityCriterion


def keep_last(**_: Any) -> None:
    """No criterion: the last weights are kept."""


# Setting `selection` → function that gets inputs, settings, objective, seed, labelled and clusters by name.
CRITERIA: dict[str, Callable[..., Criterion | None]] = {
    "last": keep_last,
    "loss": LossCriterion,
    "stability": StabilityCriterion,
    "labels": LabelCriterion,
}


class Selection:
    """Keeps a copy of the weights with the highest score so far.

    Args:
        criterion: scores a model; with None no copy is kept, and the last weights are used.
        batches: number of steps of the whole run.
    """

    def __init__(self, criterion: Criterion | None, batches: int):
        self.criterion, self.best = criterion, float("-inf")
        self.looks = frozenset(criterion.looks(batches)) if criterion else frozenset()
        self.weights: dict[str, torch.Tensor] = {}

    def due(self, step: int) -> bool:
        """Whether the weights after a step are to be evaluated."""
        return step in self.looks

    def update(self, model: Model, step: int) -> float | None:
        """Evaluate the weights after a step if due, and keep them if best.

        Returns:
            The score; None if not due.

        Raises:
            DepthGError: the score is not finite.
        """
        if self.criterion is None or not self.due(step):
            return None
        model.eval()
        found = self.criterion(model)
        model.train()
        if not math.isfinite(found):
            raise DepthGError(
                f"settings: selection: the score of the weights after step {step + 1} is {found}, so that they cannot "
                "be compared: set selection to last, or see that validation images have labels, if it asks for them"
            )
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
