"""Reference implementations of the stages, written straight from the published description.

They do the same, and are tested to. What differs is when and where it is done: inside the training step, for every
token, image by image.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from depthg.models.checkpoint import Model
from depthg.stages.camera import CAMERAS
from depthg.stages.geometry import pool_depth
from depthg.store.reader import Store
from depthg.training.guidance import active_terms
from depthg.training.inputs import Inputs

# ---- points ------------------------------------------------------------------------------------------------------


def farthest_points(points: np.ndarray, n: int, start: int) -> np.ndarray:
    """Farthest-point sampling of one crop, point by point (Sec. 3.4): points [P, 3] → int64 [n]."""
    chosen = [start]
    nearest = np.full(len(points), np.inf, points.dtype)
    while len(chosen) < n:
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        nearest[chosen[-1]] = -1  # below every distance: never again
        chosen.append(int(nearest.argmax()))
    return np.array(chosen)


def neighbor_weights(points: Tensor, k: int) -> Tensor:
    """Mixing weight of every pair of tokens in local hidden positives (Sec. 3.6), 0 for all but the k nearest.

    Weights fall with the distance r as exp(−r / r̄), r̄ the mean over the others of the k.

    Args:
        points: of one crop, [P, 3].
        k: neighbours, the token itself included.

    Returns:
        [P, P], rows summing to 1.
    """
    distances = (points[:, None] - points[None]).square().sum(-1).sqrt()
    nearest, ids = distances.topk(k, largest=False)
    weights = (-nearest / (nearest.sum(-1, keepdim=True) / (k - 1))).exp()
    dense = torch.zeros_like(distances)
    return dense.scatter(1, ids, weights / weights.sum(-1, keepdim=True))


def mix(codes: Tensor, weights: Tensor) -> Tensor:
    """Mixed codes s_mix = Σ w s / Σ w of every token of one crop, through a tensor [P, P, Q].

    Args:
        codes: [P, Q].
        weights: [P, P].

    Returns:
        [P, Q].
    """
    return (weights[:, :, None] * codes[None]).sum(1) / weights.sum(1, keepdim=True)


# ---- training ----------------------------------------------------------------------------------------------------


def sample(maps: Tensor, at: Tensor, grid: tuple[int, int]) -> Tensor:
    """Values at tokens, read from the full map by bilinear sampling.

    Args:
        maps: [B, P, C], row-major.
        at: tokens int64 [B, n].
        grid: rows and columns.

    Returns:
        [B, n, C].
    """
    h, w = grid
    column, row = (at % w).to(maps.dtype), (at // w).to(maps.dtype)
    places = torch.stack([2 * (column + 0.5) / w - 1, 2 * (row + 0.5) / h - 1], dim=-1)[:, :, None]
    images = maps.transpose(1, 2).unflatten(2, grid)
    return functional.grid_sample(images, places, align_corners=False)[..., 0].transpose(1, 2)


def correlate(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of every token of a crop with every token of another (Eq. 1): [B, n, C], [B, m, C] → [B, n, m]."""
    return torch.einsum("bnc,bmc->bnm", functional.normalize(a, dim=-1), functional.normalize(b, dim=-1))


def distil(codes: Tensor, target: Tensor, shift: float) -> Tensor:
    """Correlation loss −mean(max(S, 0)·(F − b)) (Eq. 2), a scalar."""
    return -(codes.clamp(min=0) * (target - shift)).mean()


def centred(target: Tensor) -> Tensor:
    """Spatial centring of correlations [B, n, m]."""
    return target - target.mean(2, keepdim=True) + target.mean()


class TrainingStep:
    """A training step as described, without the backbone: everything derived from depth is computed in the step.

    Args:
        inputs: stores of tokens; the camera is that of their geometry.
        depth: store of depth maps.
        model: whose head, and with local hidden positives projection, is trained.
    """

    def __init__(self, inputs: Inputs, depth: Store, model: Model):
        self.inputs, self.depth, self.model = inputs, depth, model
        self.device = next(model.parameters()).device
        self.optimizer = torch.optim.AdamW(
            (weight for weight in model.parameters() if weight.requires_grad),
            lr=model.settings.learning_rate,
            weight_decay=model.settings.weight_decay,
        )

    def __call__(self, anchors: np.ndarray, neighbors: np.ndarray, rolls: Sequence[int]) -> float:
        """Take a step on crops int [B] and one neighbour of each; returns the loss."""
        loss = self.loss(anchors, neighbors, rolls)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def loss(self, anchors: np.ndarray, neighbors: np.ndarray, rolls: Sequence[int]) -> Tensor:
        """Loss of the first step, a scalar; negatives are the batch rolled."""
        ours, theirs = self._side(anchors), self._side(neighbors)
        depth = ours["depth"][:, :, None] * ours["depth"][:, None]
        total = self._terms(ours, theirs, "codes", depth, rolls)
        if self.model.projection is None:
            return total
        return total + self.model.settings.lhp_weight * self._terms(ours, theirs, "mixed", depth, rolls)

    def _side(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Features, codes, mixed codes and depth of crops at their sampled tokens."""
        grid, settings = self.inputs.grid, self.model.settings
        tokens = torch.from_numpy(self.inputs.features.read("tokens", rows)).flatten(1, 2).float()
        tokens = tokens.to(self.device)
        depth = pool_depth(torch.from_numpy(self.depth.read("depth", rows)).float(), grid)
        camera = CAMERAS[self.inputs.camera.camera]
        points = camera.unproject(depth, self.inputs.camera)
        starts = camera.start(points)[:, 0].tolist()
        clouds = zip(points.numpy(), starts, strict=True)
        chosen = [farthest_points(cloud, settings.samples**2, start) for cloud, start in clouds]
        at = torch.from_numpy(np.stack(chosen)).to(self.device)
        codes = self.model.head(tokens)
        side = {
            "features": sample(self.model.dropout(tokens), at, grid),
            "codes": sample(codes, at, grid),
            "depth": sample(depth.flatten(1)[..., None].to(self.device), at, grid)[..., 0],
        }
        if self.model.projection is not None:
            side["mixed"] = sample(self._mixed(codes, points.to(self.device)), at, grid)
        return side

    def _mixed(self, codes: Tensor, points: Tensor) -> Tensor:
        """P(s_mix) of all tokens, [B, P, Q]."""
        assert self.model.projection is not None
        k = self.inputs.camera.lhp_neighbors
        pairs = zip(codes, points, strict=True)
        mixed = torch.stack([mix(code, neighbor_weights(cloud, k)) for code, cloud in pairs])
        return self.model.projection(mixed)

    def _terms(
        self, ours: dict[str, Tensor], theirs: dict[str, Tensor], of: str, depth: Tensor, rolls: Sequence[int]
    ) -> Tensor:
        """Σ λ L over the terms (Eq. 3, Eq. 7), a scalar, for the codes selected by `of`."""
        terms = active_terms(self.model.settings, 0)

        def follow(partner: dict[str, Tensor], shift: float, roll: int = 0) -> Tensor:
            target = correlate(ours["features"], partner["features"].roll(roll, 0))
            found = correlate(ours[of], partner[of].roll(roll, 0))
            return distil(found, centred(target) if self.model.settings.centring else target, shift)

        losses = {
            "self": follow(ours, terms["self"].shift),
            "knn": follow(theirs, terms["knn"].shift),
            "random": torch.stack([follow(ours, terms["random"].shift, roll) for roll in rolls]).mean(),
            "depth": distil(correlate(ours[of], ours[of]), depth, terms["depth"].shift),
        }
        return torch.stack([term.weight * losses[name] for name, term in terms.items()]).sum()


# ---- neighbours and evaluation -----------------------------------------------------------------------------------


def nearest_vectors(queries: Tensor, vectors: Tensor, keep: int, chunk: int = 512) -> tuple[Tensor, Tensor]:
    """The vectors [M, C] with the largest inner products with queries [N, C]: products and int64 rows, [N, keep]."""
    parts = [torch.einsum("nc,mc->nm", part, vectors).topk(keep) for part in queries.split(chunk)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])


def pixel_logits(
    codes: Tensor, grid: tuple[int, int], size: int, centroids: Tensor, linear: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Logits of both probes at every pixel, from codes upsampled to the image.

    Args:
        codes: of one crop, [P, Q].
        grid: rows and columns of tokens.
        size: of the picture.
        centroids: unit vectors [n, Q].
        linear: weight [K, Q] and bias [K] of the linear probe.

    Returns:
        [n, size, size] and [K, size, size].
    """
    maps = codes.T.unflatten(1, grid)[None]
    large = functional.interpolate(maps, (size, size), mode="bilinear", align_corners=False)
    weight, bias = linear
    clusters = 2 * functional.conv2d(functional.normalize(large, dim=1), centroids[:, :, None, None])
    return clusters[0], functional.conv2d(large, weight[:, :, None, None], bias)[0]
