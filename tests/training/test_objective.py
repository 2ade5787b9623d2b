from dataclasses import replace

import numpy as np
import pytest
import torch

from depthg.models.checkpoint import Model
from depthg.training.batches import Batches
from depthg.training.guidance import active_terms
from depthg.training.objective import Correlation, depth_target


@pytest.fixture
def case(stores, guided_settings):
    torch.manual_seed(0)
    batch = Batches(stores.open(guided_settings), guided_settings, 0)(0).to(torch.device("cpu"))
    return Model(guided_settings, 8), batch


def unit(tokens):
    return tokens / np.linalg.norm(tokens, axis=-1, keepdims=True)


def test_depth_term_against_loops(case):
    model, batch = case
    model.eval()  # no dropout
    found = Correlation(model)(batch, 0)["depth"].item()
    with torch.no_grad():
        codes = unit(batch.anchor.sampled(model.head(batch.anchor.tokens)).double().numpy())
    depth, total = batch.positions[..., 0].double().numpy(), 0.0
    for crop in range(4):
        for i in range(9):
            for j in range(9):
                similarity = max(codes[crop, i] @ codes[crop, j], 0)
                total -= similarity * (depth[crop, i] * depth[crop, j] - 0.03)
    assert found == pytest.approx(total / (4 * 9 * 9), rel=1e-4)


def test_lhp_repeats_the_loss_on_projected_mixtures_of_both_sides(case):
    model, batch = case
    model.eval()
    terms = active_terms(model.settings, 0)
    losses = Correlation(model)(batch, 0)
    plain = sum(terms[name].weight * losses[name] for name in terms)
    torch.testing.assert_close(losses["total"], plain + 0.2 * losses["lhp"])

    def mixed(side):
        with torch.no_grad():
            codes = model.head(side.tokens).double().numpy()
        ids, weights = side.mix_ids.numpy(), side.mix_weights.double().numpy()
        out = np.zeros((4, 9, 4))
        for b in range(4):
            for n in range(9):
                rows = sum(weights[b, n, j] * codes[b, ids[b, n, j]] for j in range(8))
                out[b, n] = rows
        with torch.no_grad():
            return unit(model.projection.double()(torch.from_numpy(out)).numpy())

    a, n = mixed(batch.anchor), mixed(batch.neighbor)
    f, g = (unit(side.sampled(side.tokens).double().numpy()) for side in (batch.anchor, batch.neighbor))

    def term(s, t, f, g, shift):
        target = f @ g.transpose(0, 2, 1)
        target = target - target.mean(2, keepdims=True) + target.mean()
        return -np.mean(np.maximum(s @ t.transpose(0, 2, 1), 0) * (target - shift))

    rolled = [(np.roll(a, roll, 0), np.roll(f, roll, 0)) for roll in batch.rolls]
    depth = batch.positions[..., 0].double().numpy()
    agreement = depth[:, :, None] * depth[:, None]
    expected = 0.58 * term(a, a, f, f, 0.07) + 0.36 * term(a, n, f, g, 0.025)
    expected += 0.70 * np.mean([term(a, s, f, t, 0.761) for s, t in rolled])
    expected -= 0.19 * np.mean(np.maximum(a @ a.transpose(0, 2, 1), 0) * (agreement - 0.03))
    assert losses["lhp"].item() == pytest.approx(expected, rel=1e-4)


def test_head_and_projection_learn_and_the_target_does_not(case):
    model, batch = case
    Correlation(model)(batch, 0)["total"].backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in model.parameters())
    assert not batch.anchor.tokens.requires_grad


def test_target_features_have_a_dropout_of_their_own(case, monkeypatch):
    model, batch = case
    seen = []
    for module in (model.dropout, model.head.dropout):
        module.rate = 0.5
        module.register_forward_hook(lambda module, inputs, out: seen.append((out == 0).all(1)))
    Correlation(model)(batch, 0)
    anchors, neighbors, *head = seen
    assert len(head) == 4  # two branches, two sides
    assert not torch.equal(anchors, neighbors)
    assert not any(torch.equal(anchors, other) for other in head)


def test_a_centred_depth_term_pulls_as_much_as_it_pushes(stores, guided_settings, case):
    settings = guided_settings.model_copy(update={"depth_centring": True})
    _, batch = case
    depth = batch.positions[..., 0].double().numpy()
    agreement = depth[:, :, None] * depth[:, None]
    found = depth_target(settings, batch)
    np.testing.assert_allclose(found, agreement - agreement.mean(), atol=1e-6)


def test_more_depth_changes_the_loss(case):
    model, batch = case
    model.eval()
    near = Correlation(model)(batch, 0)["total"]
    batch.positions.mul_(0.5)
    assert not torch.isclose(near, Correlation(model)(batch, 0)["total"])


def test_centred_tokens_are_what_the_head_and_the_correlations_see(case):
    raw, batch = case
    raw.eval()
    mean = torch.linspace(-0.5, 0.5, 8)
    model = Model(raw.settings.model_copy(update={"tokens": "centred"}), 8, mean=mean).eval()
    model.load_state_dict(raw.state_dict(), strict=False)

    def centred(side):
        return replace(side, tokens=torch.nn.functional.normalize(side.tokens, dim=-1) - mean)

    before = replace(batch, anchor=centred(batch.anchor), neighbor=centred(batch.neighbor))
    torch.testing.assert_close(Correlation(model)(batch, 0), Correlation(raw)(before, 0))
    assert Correlation(model)(batch, 0)["self"] != Correlation(raw)(batch, 0)["self"]
