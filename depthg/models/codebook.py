"""Cluster centroids learned online beside the head, as STEGO and the released code do in place of k-means."""

import torch
from torch import Tensor, nn
from torch.nn import functional

LEARNING_RATE = 5e-3


class Codebook(nn.Module):
    """Unit centroids that move towards the codes nearest to them.

    Args:
        clusters: number of centroids.
        code_dim: Q.
    """

    def __init__(self, clusters: int, code_dim: int):
        super().__init__()
        self.centroids = nn.Parameter(torch.randn(clusters, code_dim))

    def loss(self, codes: Tensor) -> Tensor:
        """−mean(max_n ⟨c_n, ŝ⟩), a scalar, of detached codes float [..., Q]."""
        similarity = functional.normalize(codes, dim=-1) @ self.unit().T
        return -similarity.amax(-1).mean()

    def unit(self) -> Tensor:
        """The centroids at length 1, float [clusters, Q]."""
        return functional.normalize(self.centroids, dim=-1)
