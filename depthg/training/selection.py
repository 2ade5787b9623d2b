"""Selection of the weights that a training run keeps: the last, or the best by a criterion evaluated some times."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

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

EVALUATIONS = 10  # evaluations of a criterion per run
LOSS_BATCHES = 8  # batches of the label-free criterion
KMEANS_CODES = 20_000  # codes on which k-means is fitted; half of them on each side of a comparison
ITERATIONS = 25  # of k-means in a comparison: its clusters are looked at, not kept
HALVINGS = 7  # looks of a run that is looked at by halving
COMPARED = 2000  # tokens whose pairs say how well clusters fit the tokens
SPLITS = 2  # ways to halve the images


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


def by_halving(batches: int) -> Iterable[int]:
    """The end of a run, its middle, a quarter, …: what a longer training spoils was there before.

    Example:
        >>> list(by_halving(600))
        [8, 17, 36, 74, 149, 299, 599]
    """
    return sorted({max(1, batches >> halved) - 1 for halved in range(HALVINGS)})


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

    looks = staticmethod(evenly)

    def __init__(self, inputs: Inputs, settings: TrainSettings, objective: Objective, seed: int, **_: Any):
        self.batches, self.objective = Batches(inputs, settings, seed + 2**32), objective

    @torch.no_grad()
    def __call__(self, model: Model) -> float:
        """The negative mean loss over the batches."""
        where = next(model.parameters()).device
        losses = [self.objective(self.batches(i).to(where), 0)["total"] for i in range(LOSS_BATCHES)]
        return -float(torch.stack(losses).mean())


class StabilityCriterion:
    """Label-free criterion: clusters that do not depend on which images are seen, and fit the backbone's tokens.

    The images are halved and each half's codes clustered. The score is the agreement of the two clusterings on all
    sampled tokens (adjusted Rand index) times the square of their fit: the correlation, over pairs of tokens, of being
    in one cluster with the cosine of the two tokens. Alone, agreement prefers training for too long: codes that fall
    into as many tight groups as there are clusters are perfectly stable. docs/label-free.md has the evidence.

    Args:
        inputs: the opened stores.
        seed: seed of the training run.
        clusters: number of clusters.

    Raises:
        DepthGError: the number of clusters is open, or there are fewer than two images.
    """

    looks = staticmethod(by_halving)

    def __init__(self, inputs: Inputs, seed: int, clusters: int | None, **_: Any):
        if clusters is None:
            raise DepthGError("settings: selection: stability: how many clusters is open: set `clusters`")
        self.seed, self.clusters = seed, clusters
        rng = np.random.default_rng([seed, 3])
        crops = np.sort(rng.permutation(len(inputs.features))[:KMEANS_CODES])
        each = min(inputs.tokens, -(-KMEANS_CODES // len(crops)))
        at = np.stack([rng.permutation(inputs.tokens)[:each] for _ in crops])
        self.tokens = torch.from_numpy(inputs.features.take("tokens", crops, at)).float()
        image = np.unique(inputs.images(crops), return_inverse=True)[1]
        if image.max() == 0:
            raise DepthGError(
                "stability: halves the images, and there is one: add images, or set `selection` to last"
            )
        self.splits = [np.repeat(_halves(rng, image), each) for _ in range(SPLITS)]
        self.pairs = rng.permutation(self.tokens[..., 0].numel())[:COMPARED]

    def __call__(self, model: Model) -> float:
        """The mean score over the ways to halve the images, in [−1, 1]."""
        codes, cosines = self.look(model)
        found = (self.agreement_and_fit(codes, cosines, half, self.clusters) for half in self.splits)
        return float(np.mean([agreement * fit**2 for agreement, fit in found]))

    @torch.no_grad()
    def look(self, model: Model) -> tuple[Tensor, Tensor]:
        """Unit codes float32 [n, Q] of the sampled tokens, and the cosines of the tokens that are compared."""
        where = next((weights.device for weights in model.parameters()), torch.device("cpu"))
        batches = [tokens.to(where) for tokens in self.tokens.split(64)]
        codes = torch.cat([normalize(model(tokens), dim=-1) for tokens in batches]).flatten(0, 1).cpu()
        seen = torch.cat([model.prepared(tokens) for tokens in batches]).flatten(0, 1)
        alike = normalize(seen[torch.from_numpy(self.pairs).to(where)], dim=-1)
        return codes, (alike @ alike.T).cpu()

    def agreement_and_fit(
        self, codes: Tensor, cosines: Tensor, half: np.ndarray, clusters: int
    ) -> tuple[float, float]:
        """Agreement of the clusters that the two halves of the codes make, and the mean fit of both."""
        from sklearn.metrics import adjusted_rand_score  # slow to import; most trainings do without

        found = []
        for side in (0, 1):
            centroids = fit_centroids(codes[half == side].numpy(), clusters, 2, self.seed, ITERATIONS)
            found.append((codes @ torch.from_numpy(centroids).T).argmax(-1).numpy())
        fits = [self._fit(ids, cosines) for ids in found]
        return float(adjusted_rand_score(*found)), float(np.mean(fits))

    def _fit(self, ids: np.ndarray, cosines: Tensor) -> float:
        """Correlation of being in one cluster with the cosine of two tokens; 0 if all are in one."""
        own = ids[self.pairs]
        together = own[:, None] == own[None]
        if together.all():
            return 0.0
        return float(np.corrcoef(together.ravel(), cosines.numpy().ravel())[0, 1])


def _halves(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """0 or 1 for each crop, such that all crops of an image are on one side, and each side has half of the images."""
    return (rng.permutation(image.max() + 1) % 2)[image]


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
            rows = (np.arange(h) + 0.5) * label.shape[0] / h
            columns = (np.arange(w) + 0.5) * label.shape[1] / w
            at_tokens = label[np.ix_(rows.astype(int), columns.astype(int))]
            counts += confusion(found.astype(np.uint16), at_tokens, *counts.shape)
        return score(counts, match(counts)).miou


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
