import numpy as np
import torch

from depthg.training.lhp import mix


def drawn(b=2, p=12, n=5, k=8, q=3):
    rng = np.random.default_rng(1)
    ids = np.stack([[rng.permutation(p)[:k] for _ in range(n)] for _ in range(b)])
    return rng.normal(size=(b, p, q)), ids, rng.random((b, n, k)) + 0.1


def test_mixed_codes_are_weighted_means_of_the_neighbours():
    codes, ids, weights = drawn()
    found = mix(*map(torch.from_numpy, (codes, ids, weights))).numpy()
    for b in range(2):
        for n in range(5):
            above = sum(weights[b, n, j] * codes[b, ids[b, n, j]] for j in range(8))
            np.testing.assert_allclose(found[b, n], above / sum(weights[b, n]))


def test_mixing_keeps_what_all_neighbours_share():
    _, ids, weights = drawn()
    codes = torch.full((2, 12, 3), 4.0, dtype=torch.float64)
    torch.testing.assert_close(mix(codes, *map(torch.from_numpy, (ids, weights))), codes[:, :5])


def test_every_neighbour_receives_its_share_of_the_gradient():
    codes, ids, weights = map(torch.from_numpy, drawn(b=1, n=1))
    codes.requires_grad_()
    mix(codes, ids, weights).sum().backward()
    expected = torch.zeros(12, dtype=torch.float64)
    for token, weight in zip(ids[0, 0], weights[0, 0], strict=True):
        expected[token] = weight / weights.sum()
    torch.testing.assert_close(codes.grad[0], expected[:, None].expand(12, 3))
