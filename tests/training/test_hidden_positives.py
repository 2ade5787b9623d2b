"""The objective of Hidden Positives: its parts, when its pools move, and a killed run that goes on."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from depthg.config.settings import PoolSettings, Term
from depthg.errors import DepthGError
from depthg.losses.hidden_positives import (
    PositiveCriterion,
    consistency_loss,
    hidden_positive_losses,
    nearest,
)
from depthg.store.reader import Store
from depthg.training import history, loop
from depthg.training.batches import Batches
from depthg.training.hidden_positives import HiddenPositives, specific_share
from depthg.training.inputs import open_inputs
from depthg.training.loop import train

from .conftest import write

CPU = torch.device("cpu")
POOLS = PoolSettings(pool=16, renew=2, warm_up=2, ema=0.5, negatives_kept=0.5, temperature=0.6)


@pytest.fixture
def settings(settings):
    return settings.model_copy(
        update={"objective": "hidden_positives", "sampling": "full", "hidden_positives": POOLS}
    )


@pytest.fixture(scope="session")
def others(stores, tmp_path_factory):
    """A view of the crops, and neighbours by attention."""
    root, rng = tmp_path_factory.mktemp("others"), np.random.default_rng(3)
    tokens = (stores.tokens + 0.1 * rng.normal(size=stores.tokens.shape)).astype(np.float16)
    write(root / "view.zarr", {}, tokens=tokens)
    ids = np.stack([[rng.permutation(20)[:9] for _ in range(20)] for _ in range(12)]).astype(np.uint16)
    weights = (0.1 + rng.random(ids.shape)).astype(np.float16)
    origin = {"features": Store(stores.features).fingerprint}
    write(root / "attention.zarr", origin, neighbors=ids, weights=weights)
    return {"view": root / "view.zarr", "attention": root / "attention.zarr"}


@pytest.fixture
def make(stores, others, settings):
    def make(**update):
        changed = settings.model_copy(update=update)
        inputs = open_inputs(stores.features, stores.neighbors, changed, **others)
        torch.manual_seed(0)
        model = loop.Model(changed, 8)
        return HiddenPositives(model, inputs, 0), Batches(inputs, changed, 0)

    return make


@pytest.fixture
def run(stores, others, settings, tmp_path):
    def run(name, seed=0, **update):
        changed = settings.model_copy(update=update)
        train(stores.features, stores.neighbors, tmp_path / name, changed, seed, **others)
        return tmp_path / name

    return run


def test_the_share_of_specific_positives_rises_linearly_after_the_warm_up(settings):
    shares = [specific_share(settings, step) for step in range(8)]
    assert shares == pytest.approx([0, 0, 0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    late = settings.model_copy(update={"hidden_positives": POOLS.model_copy(update={"warm_up": 99})})
    assert specific_share(late, 7) == 0


def test_a_warm_up_without_end_is_told(make, capsys):
    make()
    assert "warning" not in capsys.readouterr().out
    make(hidden_positives=POOLS.model_copy(update={"warm_up": 8}))
    assert "warm_up: 8 of 8 batches: positives by code never come in" in capsys.readouterr().out


def test_all_parts_add_up(make):
    objective, batches = make(lhp="attention", lhp_weight=0.5, dropout=0.0)
    batch = batches(0).to(CPU)
    for step in range(4):
        torch.manual_seed(step)
        losses = objective(batch, step)
    assert losses.keys() == {"total", "contrast", "lhp", "view"}
    expected = (losses["contrast"] + 0.5 * losses["lhp"]) / 1.5 + 0.05 * losses["view"]
    torch.testing.assert_close(losses["total"], expected)


def test_each_part_from_its_own_ingredients(make):
    objective, batches = make(lhp="attention", dropout=0.0)
    model, batch, step = objective.model, batches(3).to(CPU), 3
    objective.pools.renew(2)
    for weight in objective.pools.ema_head.head.parameters():
        weight.data += 0.1  # no longer the head's
    pools, slow = objective.pools, objective.pools.ema_head
    tokens = batch.anchor.sampled(batch.anchor.tokens)
    with torch.no_grad():
        codes = model.head(tokens)
        slow_codes = functional.normalize(slow(tokens), dim=-1).flatten(0, 1)
        features = functional.normalize(tokens, dim=-1).flatten(0, 1)
        all_codes = model.head(batch.anchor.tokens)
        mixed = torch.zeros_like(codes)
        for crop in range(4):
            for n in range(codes.shape[1]):
                for j in range(9):
                    share = batch.anchor.mix_weights[crop, n, j]
                    mixed[crop, n] += share * all_codes[crop, batch.anchor.mix_ids[crop, n, j]]
        embed = [
            functional.normalize(model.projection(each), dim=-1).flatten(0, 1) for each in (codes, mixed)
        ]
        torch.manual_seed(5)
        kept = torch.rand(20, 80) < 0.5
        expected = hidden_positive_losses(
            torch.stack(embed),
            PositiveCriterion(features, nearest(features, pools.agnostic)),
            PositiveCriterion(slow_codes, nearest(slow_codes, pools.specific)),
            kept,
            specific_share(model.settings, step),
            0.6,
        )
        view = functional.normalize(model.projection(model.head(batch.view)), dim=-1).flatten(0, 1)
        distance = consistency_loss(embed[0], view)
    torch.manual_seed(5)
    losses = objective(batch, step)
    torch.testing.assert_close(torch.stack([losses["contrast"], losses["lhp"]]), expected)
    torch.testing.assert_close(losses["view"], distance)


def test_the_view_is_of_the_same_tokens(make, others):
    objective, batches = make(sampling="random")
    batch, tokens = batches(1).to(CPU), Store(others["view"]).read("tokens").reshape(12, 20, 8)
    plain = Store(objective.pools.references.store.path).read("tokens").reshape(12, 20, 8)
    for place, crop in enumerate(batches.draws.anchors(1)):
        sampled = batch.anchor.sampled(batch.anchor.tokens)[place].numpy()
        at = [int((plain[crop].astype(np.float32) == token).all(1).argmax()) for token in sampled]
        np.testing.assert_array_equal(batch.view[place].numpy(), tokens[crop, at].astype(np.float32))


def test_no_view_is_read_where_consistency_counts_nothing(make):
    objective, batches = make(hidden_positives=POOLS.model_copy(update={"consistency": 0.0}))
    batch = batches(0).to(CPU)
    assert batch.view is None and "view" not in objective(batch, 0)


def test_pools_are_renewed_on_time_and_the_slow_head_follows(make):
    objective, batches = make(dropout=0.0)
    model, pools, batch = objective.model, objective.pools, batches(0).to(CPU)
    slow = [weight.clone() for weight in model.head.parameters()]
    seen = []
    for step in range(6):
        for weight in model.head.parameters():
            weight.data += 1
        before = [weight.clone() for weight in pools.ema_head.head.parameters()]
        objective(batch, step)
        seen.append(pools.specific.clone())
        slow = [0.5 * old + 0.5 * now for old, now in zip(slow, model.head.parameters(), strict=True)]
        for own, expected in zip(pools.ema_head.head.parameters(), slow, strict=True):
            torch.testing.assert_close(own, expected)
        if step % 2 == 0:  # by the slow head as it was before the step
            after = [weight.clone() for weight in pools.ema_head.head.parameters()]
            for own, old in zip(pools.ema_head.head.parameters(), before, strict=True):
                own.copy_(old)
            codes = pools.ema_head(pools.references(step)[:, None])[:, 0]
            torch.testing.assert_close(pools.specific, functional.normalize(codes, dim=-1))
            for own, new in zip(pools.ema_head.head.parameters(), after, strict=True):
                own.copy_(new)
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[2], seen[3])
    assert not torch.equal(seen[1], seen[2]) and not torch.equal(seen[3], seen[4])


def test_a_look_from_outside_moves_nothing(make):
    objective, batches = make()
    objective(batches(0).to(CPU), 0)
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    objective.model.eval()
    with torch.no_grad():
        objective(batches(1).to(CPU), 0)
    assert all(torch.equal(value, before[name]) for name, value in objective.state_dict().items())


def test_head_and_projection_learn_and_nothing_else(make):
    objective, batches = make()
    objective(batches(0).to(CPU), 0)["total"].backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in objective.model.parameters())
    assert all(weight.grad is None for weight in objective.pools.ema_head.parameters())


def test_the_loss_falls(run):
    out = run("out", steps=121, dropout=0.0)
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert lines[0].keys() >= {"total", "contrast", "view"}
    assert lines[-1]["total"] < lines[0]["total"] - 0.5


@pytest.mark.parametrize("killed", [4, 7])
def test_a_killed_run_resumes_to_the_same_result(run, monkeypatch, killed):
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 3)
    monkeypatch.setattr(history, "HISTORY_EVERY", 2)
    whole, again = run("whole", lhp="attention"), run("again", lhp="attention")
    call, taken = HiddenPositives.__call__, []

    def dying(self, batch, step):
        taken.append(step)
        if step == killed and taken.count(step) == 1:
            raise KeyboardInterrupt
        return call(self, batch, step)

    monkeypatch.setattr(HiddenPositives, "__call__", dying)
    with pytest.raises(KeyboardInterrupt):
        run("parts", lhp="attention")
    parts = run("parts", lhp="attention")
    assert taken.count(1) == 1  # it went on from the checkpoint, not from the start
    for name in ("model.safetensors", "history.jsonl"):
        assert (whole / name).read_bytes() == (again / name).read_bytes() == (parts / name).read_bytes()


def test_weights_are_chosen_by_the_loss(run):
    out = run("out", selection="loss")
    assert "score" in (out / "history.jsonl").read_text()


def test_a_pool_larger_than_the_data(run):
    with pytest.raises(DepthGError, match="settings: hidden_positives: pool: 999 references"):
        run("out", hidden_positives=POOLS.model_copy(update={"pool": 999}))


def test_a_view_of_other_crops(stores, settings, tmp_path):
    write(tmp_path / "view.zarr", {"crops": "other"}, tokens=stores.tokens)
    with pytest.raises(DepthGError, match="are of other crops or backbones: make both again"):
        open_inputs(stores.features, stores.neighbors, settings, view=tmp_path / "view.zarr")


def test_weights_of_the_correlation_terms_have_no_part(make):
    one, _ = make(dropout=0.0)
    other, batches = make(dropout=0.0, terms={"self": Term(weight=9, shift=0.5)})
    found = []
    for objective in (one, other):
        torch.manual_seed(0)
        found.append(objective(batches(0).to(CPU), 0)["total"])
    assert torch.equal(*found)
