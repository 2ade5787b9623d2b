"""Pools of references: which tokens they hold, when they are renewed, and the slow head, by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from depthg.errors import DepthGError
from depthg.models.checkpoint import Model
from depthg.training.pools import EMAHead, Pools, References


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture
def references(stores, settings):
    return lambda count, seed=0: References(stores.open(settings), count, seed)


@pytest.fixture
def head(settings):
    torch.manual_seed(0)
    return Model(settings.model_copy(update={"dropout": 0.0}), 8).head


def test_references_are_the_tokens_at_their_places(references, stores):
    drawn = references(30)
    crops, tokens = drawn.draw(7)
    expected = [stores.tokens[crop].reshape(20, 8)[token] for crop, token in zip(crops, tokens, strict=True)]
    np.testing.assert_array_equal(drawn(7).numpy(), np.stack(expected).astype(np.float32))


@pytest.mark.parametrize(("count", "most"), [(1, 1), (8, 1), (12, 1), (13, 2), (30, 3), (240, 20)])
def test_crops_take_turns_and_no_token_comes_twice(references, count, most):
    crops, tokens = references(count).draw(0)
    assert len(crops) == len(tokens) == count
    assert len(set(zip(crops.tolist(), tokens.tolist(), strict=True))) == count
    counts = np.bincount(crops, minlength=12)
    assert counts.max() == most and counts[counts > 0].min() >= most - 1


def test_places_depend_on_seed_and_step_alone(references):
    places = {
        tuple(np.concatenate(references(8, seed).draw(step)).tolist()) for seed in (0, 1) for step in (0, 5)
    }
    assert len(places) == 4
    np.testing.assert_array_equal(references(8).draw(5), references(8).draw(5))


def test_more_references_than_tokens(references):
    with pytest.raises(DepthGError, match=r"hidden_positives: pool: 241 .* holds 240 tokens: set pool to at"):
        references(241)


def test_the_slow_head_follows_by_its_momentum():
    head = nn.Linear(2, 1, bias=False)
    head.weight.data[:] = torch.tensor([[1.0, 0.0]])
    slow = EMAHead(head, 0.9)
    head.weight.data[:] = torch.tensor([[3.0, 1.0]])
    slow.update(head)
    torch.testing.assert_close(slow.head.weight, torch.tensor([[1.2, 0.1]]))
    slow.update(head)
    torch.testing.assert_close(slow.head.weight, torch.tensor([[1.38, 0.19]]))
    assert not slow(torch.ones(1, 1, 2)).requires_grad and not slow.head.weight.requires_grad
    assert head.weight.tolist() == [[3.0, 1.0]]


def test_pools_hold_unit_features_and_slow_codes(references, head):
    pools = Pools(references(8), nn.Identity(), head, 0.5)
    features = references(8)(0).double().numpy()
    np.testing.assert_allclose(pools.agnostic.numpy(), unit(features), atol=1e-6)
    assert pools.specific.numel() == 0
    for weight in head.parameters():
        weight.data += 1
    before = [weight.clone() for weight in pools.ema_head.head.parameters()]
    pools.ema_head.update(head)
    for old, now in zip(before, pools.ema_head.head.parameters(), strict=True):
        torch.testing.assert_close(now, old + 0.5)
    pools.renew(4)
    w = {name: weight.double().numpy() for name, weight in pools.ema_head.head.state_dict().items()}
    f = references(8)(4).double().numpy()
    hidden = np.maximum(f @ w["nonlinear.0.weight"].T + w["nonlinear.0.bias"], 0)
    codes = f @ w["linear.weight"].T + w["linear.bias"]
    codes += hidden @ w["nonlinear.2.weight"].T + w["nonlinear.2.bias"]
    np.testing.assert_allclose(pools.specific.numpy(), unit(codes), atol=1e-5)
    np.testing.assert_allclose(pools.agnostic.numpy(), unit(features), atol=1e-6)  # drawn once


def test_every_reference_has_a_dropout_of_its_own(references, stores, settings):
    model = Model(settings.model_copy(update={"dropout": 0.5}), 8)
    pools = Pools(references(12), model.dropout, model.head, 0.5)
    silent = {tuple((row == 0).tolist()) for row in pools.agnostic}
    assert len(silent) > 6


def test_the_state_comes_back(references, head):
    pools = Pools(references(8), nn.Identity(), head, 0.5)
    pools.renew(3)
    state = {name: value.clone() for name, value in pools.state_dict().items()}
    other = Pools(references(8, seed=1), nn.Identity(), head, 0.5)
    other.load_state_dict(state)
    assert all(torch.equal(value, state[name]) for name, value in other.state_dict().items())
