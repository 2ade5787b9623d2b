"""The label-free criterion of `auto`: which weights make clusters that halves of the images agree on, and that fit."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from depthg.errors import DepthGError
from depthg.evaluation.clustering import fit_centroids
from depthg.models.checkpoint import Model
from depthg.training.inputs import Inputs

CODES = 20_000  # on which k-means is fitted, half of them on each side of a comparison
ITERATIONS = 25  # of k-means in a comparison: its clusters are looked at, not kept
HALVINGS = 7  # looks of a run that is looked at by halving
COMPARED = 2000  # tokens whose pairs say how well clusters fit the tokens
SPLITS = 2  # ways to halve the images


def by_halving(batches: int) -> Iterable[int]:
    """The end of a run, its middle, a quarter, …: what a longer training spoils was there before.

    Example:
        >>> list(by_halving(600))
        [8, 17, 36, 74, 149, 299, 599]
    """
    return sorted({max(1, batches >> halved) - 1 for halved in range(HALVINGS)})


class StabilityCriterion:
    """Label-free criterion: clusters that do not depend on which images are seen, and fit the backbone's tokens.

    The images are halved and each half's codes clustered. The score is the agreement of the two clusterings on all
    sampled tokens (adjusted Rand index) times the square of their fit: the correlation, over pairs of tokens, of being
    in one cluster with the cosine of the two tokens. Alone, agreement prefers training for too long: codes that fall
    into as many tight groups as there are clusters are perfectly stable. docs/label-free.md has the evidence.

    Args:
        inputs: the opened stores.
        seed: seed of the training run.
        clusters: number of clusters, at least 1.

    Raises:
        DepthGError: the number of clusters is open, or there are fewer than two images.
    """

    looks = staticmethod(by_halving)

    def __init__(self, inputs: Inputs, seed: int, clusters: int | None, **_: Any):
        if not clusters:
            raise DepthGError("settings: selection: stability: how many clusters is open: set `clusters`")
        self.seed, self.clusters = seed, clusters
        rng = np.random.default_rng([seed, 3])
        crops = np.sort(rng.permutation(len(inputs.features))[:CODES])
        each = min(inputs.tokens, -(-CODES // len(crops)))
        at = np.stack([rng.permutation(inputs.tokens)[:each] for _ in crops])
        self.tokens = torch.from_numpy(inputs.features.take("tokens", crops, at)).float()
        image = np.unique(inputs.images(crops), return_inverse=True)[1]
        if image.max() == 0:
            raise DepthGError(
                "stability: the training images are halved, and there is one: add images "
                "(a training does without by `selection: last`)"
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
        """Correlation of being in one cluster with the cosine of two tokens; 0 if all are in one, or all are alike."""
        own = ids[self.pairs]
        together = own[:, None] == own[None]
        if together.all() or (cosines == cosines[0, 0]).all():
            return 0.0
        return float(np.corrcoef(together.ravel(), cosines.numpy().ravel())[0, 1])


def _halves(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """0 or 1 for each crop, such that all crops of an image are on one side, and each side has half of the images."""
    return (rng.permutation(image.max() + 1) % 2)[image]
