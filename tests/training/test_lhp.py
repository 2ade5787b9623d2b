import numpy as np
import pytest
import torch

from depthg.training.batch import mix
from depthg.training.lhp import (
    MIXINGS,
    mixing_weights,
    nonzero,
    released_by_attention,
    released_by_distance,
)


def drawn(b=2, p=12, n=5, k=8, q=3):
    """Codes of all tokens, and of every token the neighbours and their weights; the n tokens sampled."""
    rng = np.random.default_rng(1)
    ids = np.stack([[rng.permutation(p)[:k] for _ in range(p)] for _ in range(b)])
    at = np.stack([rng.permutation(p)[:n] for _ in range(b)])
    return map(torch.from_numpy, (rng.normal(size=(b, p, q)), ids, rng.random((b, p, k)) + 0.1, at))


def test_mixed_codes_are_weighted_means_of_the_neighbours():
    codes, ids, weights, at = drawn()
    found = mix(codes, *mixing_weights(ids, weights, at))
    for b in range(2):
        for n, token in enumerate(at[b]):
            above = sum(weights[b, token, j] * codes[b, ids[b, token, j]] for j in range(8))
            torch.testing.assert_close(found[b, n], above / weights[b, token].sum())


def by_hand(rows, wanted, weight):
    """Weights of the `wanted` places in the ascending order of each row of values float [n, P], 0 elsewhere."""
    out = np.zeros_like(rows)
    for row, found in zip(rows, out, strict=True):
        scaled = (row - row.min()) / np.ptp(row)
        for token in np.argsort(row)[wanted]:
            found[token] = weight(scaled[token]) / len(row)
    return out


@pytest.mark.parametrize(
    ("tokens", "kept"), [(784, 8), (100, 1), (101, 2)]
)  # of 101, the quantile is a token
def test_released_mixing_weighs_the_nearest_hundredth_by_scaled_distance(tokens, kept):
    distances = np.random.default_rng(0).random((3, tokens))
    expected = by_hand(distances, slice(kept), lambda near: 1 - near)
    torch.testing.assert_close(released_by_distance(torch.from_numpy(distances)), torch.from_numpy(expected))


@pytest.mark.parametrize(("tokens", "lost"), [(784, 8), (100, 1), (101, 1)])
def test_released_mixing_by_attention_leaves_out_the_strongest_hundredth(tokens, lost):
    attention = np.random.default_rng(0).random((3, tokens))
    expected = by_hand(attention, slice(tokens - lost), lambda strong: strong)
    torch.testing.assert_close(released_by_attention(torch.from_numpy(attention)), torch.from_numpy(expected))


def test_released_mixing_of_tokens_at_one_point_is_their_mean():
    torch.testing.assert_close(released_by_distance(torch.zeros(2, 12)), torch.full((2, 12), 1 / 12))


@pytest.mark.parametrize("positive", [2, 9])
def test_only_tokens_of_positive_weight_are_mixed(positive):
    """Where they are few, or where they are nearly all."""
    codes, weights = torch.randn(2, 12, 3), torch.zeros(2, 5, 12)
    for row in weights.flatten(0, 1):
        row[torch.randperm(12)[:positive]] = torch.rand(positive) + 0.1
    ids, kept = nonzero(weights)
    assert ids.shape[-1] == (2 if positive == 2 else 12)
    torch.testing.assert_close(mix(codes, ids, kept), weights @ codes)


def test_released_leaves_the_other_image_unmixed():
    codes, *_, at = drawn()
    chosen, shares = MIXINGS["released"](None, None, at, False)
    found = mix(codes, chosen, shares.double())
    torch.testing.assert_close(found, torch.stack([codes[b, at[b]] for b in range(2)]))


def test_mixing_keeps_what_all_neighbours_share():
    _, ids, weights, at = drawn()
    codes = torch.full((2, 12, 3), 4.0, dtype=torch.float64)
    torch.testing.assert_close(mix(codes, *mixing_weights(ids, weights, at)), codes[:, :5])


def test_every_neighbour_receives_its_share_of_the_gradient():
    codes, ids, weights, at = drawn(b=1, n=1)
    codes.requires_grad_()
    mix(codes, *mixing_weights(ids, weights, at)).sum().backward()
    expected, token = torch.zeros(12, dtype=torch.float64), at[0, 0]
    for neighbor, weight in zip(ids[0, token], weights[0, token], strict=True):
        expected[neighbor] = weight / weights[0, token].sum()
    torch.testing.assert_close(codes.grad[0], expected[:, None].expand(12, 3))
