"""Hidden positives against loops in float64, and what the contrast promises."""

import numpy as np
import pytest
import torch

from depthg.losses.hidden_positives import (
    PositiveCriterion,
    consistency_loss,
    contrast,
    hidden_positive_losses,
    nearest,
    pair_weights,
)

CROPS, SIZE = 3, 5
TOKENS = CROPS * SIZE


def drawn(seed, *shape):
    vectors = np.random.default_rng(seed).normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def likeness(tokens, pool):
    tokens, pool = torch.from_numpy(tokens), torch.from_numpy(pool)
    return PositiveCriterion(tokens, nearest(tokens, pool))


@pytest.fixture
def case():
    """Embeddings of two kinds, features and slow codes with their pools, and which others are kept."""
    kept = np.random.default_rng(9).random((SIZE, TOKENS)) < 0.3
    pools = drawn(2, 6, 3), drawn(4, 4, 3)
    return drawn(0, 2, TOKENS, 4), (drawn(1, TOKENS, 3), pools[0]), (drawn(3, TOKENS, 3), pools[1]), kept


def positives(tokens, pool):
    """Pair by pair."""
    closest = [max(float(token @ other) for other in pool) for token in tokens]
    return [
        [
            i != j and (tokens[i] @ tokens[j] > closest[i] or tokens[i] @ tokens[j] > closest[j])
            for j in range(TOKENS)
        ]
        for i in range(TOKENS)
    ]


def by_loops(z, features, codes, kept, share, temperature):
    agnostic, specific = positives(*features), positives(*codes)
    losses = []
    for crop in range(CROPS):
        above, below = 0.0, 0.0
        for n in range(SIZE):
            i = crop * SIZE + n
            if not any(agnostic[i]):
                continue
            among = [j for j in range(TOKENS) if j != i and (agnostic[i][j] or kept[n, j])]
            total = np.log(sum(np.exp(z[i] @ z[j] / temperature) for j in among))
            for j in range(TOKENS):
                weight = agnostic[i][j] + share * specific[i][j]
                above -= weight * (z[i] @ z[j] / temperature - total)
                below += weight
        losses.append(temperature / 0.07 * above / max(below, 1))
    return np.mean(losses)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_loss_against_loops(case, share):
    embedded, features, codes, kept = case
    found = hidden_positive_losses(
        torch.from_numpy(embedded),
        likeness(*features),
        likeness(*codes) if share else None,
        torch.from_numpy(kept),
        share,
        0.6,
    )
    expected = [by_loops(z, features, codes, kept, share, 0.6) for z in embedded]
    np.testing.assert_allclose(found.numpy(), expected)


def test_its_gradient_is_that_of_finite_differences(case):
    embedded, features, codes, kept = case
    sides, kept = (likeness(*features), likeness(*codes)), torch.from_numpy(kept)
    leaf = torch.from_numpy(embedded).requires_grad_()

    def weighted(values):
        return hidden_positive_losses(values, *sides, kept, 0.4, 0.6) @ values.new_tensor([1.0, 0.3])

    assert torch.autograd.gradcheck(weighted, leaf)


def test_positives_against_loops(case):
    _, features, _, _ = case
    found = torch.cat([likeness(*features).positives(slice(i, i + SIZE)) for i in range(0, TOKENS, SIZE)])
    assert found.tolist() == positives(*features)
    assert torch.equal(found, found.T) and not found.diagonal().any()


def test_a_reference_that_is_the_token_itself_leaves_only_what_others_find():
    tokens = drawn(5, TOKENS, 3)
    assert not likeness(tokens, tokens).positives(slice(0, TOKENS)).any()
    opposite = likeness(tokens, -tokens[:1])
    assert opposite.positives(slice(0, TOKENS))[0, 1:].all()


def test_specific_positives_count_only_where_there_is_an_agnostic_one():
    agnostic = torch.tensor([[False, True, False], [False, False, False]])
    specific = torch.tensor([[False, True, True], [True, False, True]])
    assert pair_weights(agnostic, specific, 0.5).tolist() == [[0, 1.5, 0.5], [0, 0, 0]]
    assert pair_weights(agnostic, None, 0.0).tolist() == [[0, 1, 0], [0, 0, 0]]


def test_no_positives_no_loss_and_no_gradient():
    logits = torch.randn(2, 4, requires_grad=True)
    loss = contrast(logits, torch.zeros(2, 4), torch.zeros(2, 4, dtype=torch.bool), 0.5)
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_the_loss_is_least_where_positives_are_alike():
    weights = torch.tensor([[0.0, 1, 1, 0, 0, 0]])
    among = torch.tensor([[False, True, True, True, True, True]])
    like, unlike = torch.tensor([[1.0, 1, 1, -1, -1, -1]]), torch.tensor([[1.0, -1, -1, 1, 1, 1]])
    losses = [contrast(side / 0.5, weights, among, 0.5).item() for side in (like, unlike)]
    assert losses[0] < losses[1] and losses[0] > 0


def test_nearest_and_inconsistency_against_loops():
    tokens, pool = drawn(6, 7, 3), drawn(7, 5, 3)
    found = nearest(*map(torch.from_numpy, (tokens, pool))).numpy()
    np.testing.assert_allclose(found, [max(token @ other for other in pool) for token in tokens])
    other = drawn(8, 7, 3)
    expected = np.mean([np.sqrt(sum((a - b) ** 2)) for a, b in zip(tokens, other, strict=True)])
    found = consistency_loss(*map(torch.from_numpy, (tokens, other))).item()
    assert found == pytest.approx(expected, abs=1e-5)
    same = torch.from_numpy(tokens).requires_grad_()
    consistency_loss(same, same.detach()).backward()
    assert same.grad.isfinite().all()


def test_a_token_as_near_as_the_nearest_reference_is_no_positive():
    tokens = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    at = PositiveCriterion(tokens, torch.tensor([0.6, 0.6])).positives(slice(0, 2))
    below = PositiveCriterion(tokens, torch.tensor([0.59, 0.7])).positives(slice(0, 2))
    assert not at.any() and below.tolist() == [[False, True], [True, False]]


def test_the_loss_of_a_single_pair_by_hand():
    among = torch.tensor([[False, True, True]])
    found = contrast(torch.tensor([[9.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]]), among, 0.14)
    assert found.item() == pytest.approx(-2 * (1 - np.log(np.e + 1)))
