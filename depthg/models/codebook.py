"""Cluster centroids learned online during training, as in STEGO and the released code, instead of by k-means."""

import torch
from torch import Tensor, nn
from torch.nn import functional

LEARNING_RATE = 5e-3


class Codebook(nn.Module):
    """Cluster centroids on the unit sphere, trained to move towards the nearest codes.

    Args:
        clusters: number of centroids.
        code_dim: Q, number of channels of a code.
    """

    def __init__(self, clusters: int, code_dim: int):
        super().__init__()
        self.centroids = nn.Parameter(torch.randn(clusters, code_dim))

    def loss(self, codes: Tensor) -> Tensor:
        """Minus the mean cosine similarity of detached codes float [..., Q] to their nearest centroids, a scalar."""
        similarity = functional.normalize(codes, dim=-1) @ self.unit().T
        return -similarity.amax(-1).mean()

    def unit(self) -> Tensor:
        """The centroids normalised to length 1, float [clusters, Q]."""
        return functional.normalize(self.centroids, dim=-1)
