import numpy as np
import pytest
import torch

from depthg.store import Store
from depthg.training.batch import take
from depthg.training.batches import SAMPLERS, Batches
from depthg.training.inputs import open_inputs

STEPS = range(7)


@pytest.fixture
def make(stores, settings):
    def make(seed=0, **update):
        changed = settings.model_copy(update=update)
        return Batches(open_inputs(*stores.paths, changed), changed, seed)

    return make


def crops_of(stores, tokens):
    """The crops whose float16 tokens these are [B, n, C], found by their values."""
    flat = stores.tokens.reshape(len(stores.tokens), -1, stores.tokens.shape[-1]).astype(np.float32)
    return [
        next(i for i, crop in enumerate(flat) if (crop == side[0]).all(1).any()) for side in tokens.numpy()
    ]


def test_an_epoch_sees_every_crop_once(make):
    batches = make()
    epochs = [np.concatenate([batches.anchors(step) for step in steps]) for steps in ([0, 1, 2], [3, 4, 5])]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert list(epochs[0]) != list(epochs[1])
    assert list(make(seed=1).anchors(0)) != list(batches.anchors(0))


def test_crops_left_over_by_an_epoch_wait_for_the_next(make):
    batches = make(batch=5)
    first = np.concatenate([batches.anchors(0), batches.anchors(1)])
    assert len(set(first)) == 10 and len(batches.anchors(2)) == 5


def test_neighbours_are_of_the_first_ranks_each_as_likely(make, stores):
    batches, seen = make(), []
    for step in range(60):
        neighbors = crops_of(stores, batches(step).neighbor.tokens)
        ranks = [list(stores.ids[a]).index(n) for a, n in zip(batches.anchors(step), neighbors, strict=True)]
        seen += ranks
    counts = np.bincount(seen)
    assert len(counts) == 3  # settings.neighbors of the four that are stored
    assert counts.min() > 240 / 3 * 0.7


@pytest.mark.parametrize("sampling", SAMPLERS)
def test_tokens_and_depth_are_those_at_the_sampled_indices(make, stores, sampling):
    batches = make(sampling=sampling, depth_loss="product", lhp="depth")
    batch = batches(2)
    for place, crop in enumerate(batches.anchors(2)):
        for n, index in enumerate(batch.anchor.at[place].tolist()):
            row, column = divmod(index, 5)  # the grid has 4 rows of 5 tokens
            token = stores.tokens[crop, row, column].astype(np.float32)
            np.testing.assert_array_equal(batch.anchor.sampled(batch.anchor.tokens)[place, n], token)
            assert batch.depth[place, n] == pytest.approx(float(stores.depth[crop, row, column]), abs=1e-3)


def test_only_sampled_tokens_pass_the_head_without_lhp(make):
    lean, full = make(sampling="fps")(1), make(sampling="fps", lhp="depth")(1)
    assert lean.anchor.tokens.shape[1] == 9 and full.anchor.tokens.shape[1] == 20
    for side in ("anchor", "neighbor"):
        few, many = getattr(lean, side), getattr(full, side)
        assert torch.equal(few.sampled(few.tokens), many.sampled(many.tokens))


@pytest.mark.parametrize("sampling", ["random", "fps"])
def test_the_number_of_samples_never_changes(make, sampling):
    batches = make(sampling=sampling, samples=3)
    for step in (*STEPS, 1000, 2000, 2333):
        batch = batches(step)
        assert batch.anchor.at.shape == batch.neighbor.at.shape == (4, 9)


def test_random_samples_are_distinct_and_new_at_every_step(make):
    batches = make(sampling="random", lhp="depth")
    samples = [side.at for step in STEPS for side in (batches(step).anchor, batches(step).neighbor)]
    assert all(len(set(row)) == 9 for at in samples for row in at.tolist())
    assert len({tuple(at.flatten().tolist()) for at in samples}) == len(samples)
    assert set(torch.stack(samples).flatten().tolist()) == set(range(20))


def test_farthest_samples_begin_the_order(make, stores):
    batches = make(sampling="fps", lhp="depth")
    order = Store(stores.geometry).read("order", batches.anchors(3))
    np.testing.assert_array_equal(batches(3).anchor.at, order[:, :9])


def test_full_sampling_takes_every_token(make):
    assert make(sampling="full")(0).anchor.tokens.shape == (4, 20, 8)


def test_lhp_reads_eight_neighbours_for_both_sides(make, stores):
    batches = make(sampling="fps", lhp="depth")
    batch, stored = batches(0), Store(stores.geometry)
    for side in (batch.anchor, batch.neighbor):
        assert side.mix_ids.shape == side.mix_weights.shape == (4, 9, 8)
        assert torch.equal(side.mix_ids[..., 0], side.at)
        torch.testing.assert_close(side.mix_weights.sum(-1), torch.ones(4, 9), atol=4e-3, rtol=0)
    crop, index = batches.anchors(0)[2], int(batch.anchor.at[2, 5])
    assert batch.anchor.mix_ids[2, 5].tolist() == stored.read("neighbors", [crop])[0, index].tolist()
    crop = crops_of(stores, batch.neighbor.sampled(batch.neighbor.tokens))[2]
    index = int(batch.neighbor.at[2, 5])
    assert batch.neighbor.mix_ids[2, 5].tolist() == stored.read("neighbors", [crop])[0, index].tolist()


def test_no_crop_is_its_own_negative(make):
    for step in range(20):
        rolls = make(negatives=3)(step).rolls
        assert sorted(rolls) == [1, 2, 3]
    assert set(make(negatives=5, batch=2)(0).rolls) == {1}


def test_a_batch_depends_on_seed_and_step_alone(make):
    one, other = make(), make()
    other(0), other(4)
    for a, b in ((one(3), other(3)), (one(0), other(0))):
        assert torch.equal(a.anchor.tokens, b.anchor.tokens) and a.rolls == b.rolls
        assert torch.equal(a.neighbor.tokens, b.neighbor.tokens)
    assert not torch.equal(make(seed=1)(3).anchor.tokens, one(3).anchor.tokens)


def test_take_reads_rows_of_each_crop():
    values = torch.arange(12).reshape(2, 3, 2)
    assert take(values, torch.tensor([[2, 0], [1, 1]])).tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]
