import numpy as np
import pytest
import torch

from depthg.training.lhp import MIXINGS, mix


def drawn(b=2, p=12, n=5, k=8, q=3):
    """Codes of all tokens, and of every token the neighbours and their weights; the n tokens sampled."""
    rng = np.random.default_rng(1)
    ids = np.stack([[rng.permutation(p)[:k] for _ in range(p)] for _ in range(b)])
    at = np.stack([rng.permutation(p)[:n] for _ in range(b)])
    return map(torch.from_numpy, (rng.normal(size=(b, p, q)), ids, rng.random((b, p, k)) + 0.1, at))


def test_mixed_codes_are_weighted_means_of_the_neighbours():
    codes, ids, weights, at = drawn()
    for anchor in (True, False):
        found = mix(codes, *MIXINGS["neighbors"](ids, weights, at, anchor))
        for b in range(2):
            for n, token in enumerate(at[b]):
                above = sum(weights[b, token, j] * codes[b, ids[b, token, j]] for j in range(8))
                torch.testing.assert_close(found[b, n], above / weights[b, token].sum())


def test_released_mixtures_shrink_by_the_tokens_of_the_crop():
    codes, ids, weights, at = drawn()
    found = mix(
        codes, *MIXINGS["released"](ids, weights, at, True)[:1], torch.full((2, 5, 8), 1 / 12.0).double()
    )
    torch.testing.assert_close(MIXINGS["released"](ids, weights, at, True)[1], torch.full((2, 5, 8), 1 / 12))
    for b in range(2):
        for n, token in enumerate(at[b]):
            torch.testing.assert_close(found[b, n], codes[b, ids[b, token]].sum(0) / 12)


def test_released_leaves_the_other_image_unmixed():
    codes, ids, weights, at = drawn()
    chosen, shares = MIXINGS["released"](ids, weights, at, False)
    found = mix(codes, chosen, shares.double())
    torch.testing.assert_close(found, torch.stack([codes[b, at[b]] for b in range(2)]))


@pytest.mark.parametrize("anchor", [True, False])
def test_mixing_keeps_what_all_neighbours_share(anchor):
    _, ids, weights, at = drawn()
    codes = torch.full((2, 12, 3), 4.0, dtype=torch.float64)
    torch.testing.assert_close(mix(codes, *MIXINGS["neighbors"](ids, weights, at, anchor)), codes[:, :5])


def test_every_neighbour_receives_its_share_of_the_gradient():
    codes, ids, weights, at = drawn(b=1, n=1)
    codes.requires_grad_()
    mix(codes, *MIXINGS["neighbors"](ids, weights, at, True)).sum().backward()
    expected, token = torch.zeros(12, dtype=torch.float64), at[0, 0]
    for neighbor, weight in zip(ids[0, token], weights[0, token], strict=True):
        expected[neighbor] = weight / weights[0, token].sum()
    torch.testing.assert_close(codes.grad[0], expected[:, None].expand(12, 3))
