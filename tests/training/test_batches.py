import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from torch.nn import functional

from depthg.store.reader import Store
from depthg.store.tokens import packed
from depthg.training.batch import gather_tokens, mix
from depthg.training.batches import Batches, union_with_neighbors
from depthg.training.inputs import open_inputs
from depthg.training.lhp import MIXINGS
from depthg.training.sampling import DEPTH_AT, READS, SAMPLERS

from .conftest import write

STEPS = range(7)


@pytest.fixture
def make(stores, settings):
    def make(seed=0, **update):
        changed = settings.model_copy(update=update)
        return Batches(stores.open(changed), changed, seed)

    return make


def places_of(stores, tokens):
    """Which crop and which of its tokens each of these is [B, n, C], found by its values: int [B, n, 2]."""
    flat = stores.tokens.reshape(-1, stores.tokens.shape[-1]).astype(np.float32)
    found = [int((flat == token).all(1).argmax()) for token in tokens.flatten(0, 1).numpy()]
    return np.stack(np.divmod(found, 20), axis=-1).reshape(*tokens.shape[:2], 2)


def crops_of(stores, tokens):
    """The crops whose float16 tokens these are [B, n, C]."""
    return places_of(stores, tokens)[:, 0, 0].tolist()


def test_an_epoch_sees_every_crop_once(make):
    batches = make()
    epochs = [
        np.concatenate([batches.draws.anchors(step) for step in steps]) for steps in ([0, 1, 2], [3, 4, 5])
    ]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert list(epochs[0]) != list(epochs[1])
    assert list(make(seed=1).draws.anchors(0)) != list(batches.draws.anchors(0))


def test_crops_left_over_by_an_epoch_wait_for_the_next(make):
    batches = make(batch=5)
    first = np.concatenate([batches.draws.anchors(0), batches.draws.anchors(1)])
    assert len(set(first)) == 10 and len(batches.draws.anchors(2)) == 5


def test_neighbours_are_of_the_first_ranks_each_as_likely(make, stores):
    batches, seen = make(), []
    for step in range(60):
        neighbors = crops_of(stores, batches(step).neighbor.tokens)
        ranks = [
            list(stores.ids[a]).index(n) for a, n in zip(batches.draws.anchors(step), neighbors, strict=True)
        ]
        seen += ranks
    counts = np.bincount(seen)
    assert len(counts) == 3  # settings.neighbors of the four that are stored
    assert counts.min() > 240 / 3 * 0.7


def test_places_are_read_bilinearly(make, stores):
    """Features and depth at the same places, against torch's own bilinear read."""
    batches = make(sampling="continuous", depth_loss="product")
    crops, rng = batches.draws.anchors(2), batches.draws.rng(2)
    batches.draws.neighbors(crops, rng)
    places, batch = SAMPLERS["continuous"](batches.inputs, crops, 9, rng), batches(2)
    xy = torch.from_numpy(2 * places / (3, 4) - 1).flip(-1)[:, None].float()  # of 4 × 5 tokens

    def read(maps):
        maps = torch.from_numpy(maps[crops].astype(np.float32)).movedim(-1, 1)
        return functional.grid_sample(maps, xy, align_corners=True)[:, :, 0].transpose(1, 2)

    anchor = batch.anchor.sampled(batch.anchor.tokens.float())
    torch.testing.assert_close(anchor, read(stores.tokens), rtol=1e-4, atol=1e-4)
    depth = read(stores.depth[..., None])[..., 0]
    torch.testing.assert_close(batch.positions[..., 0], depth, rtol=0, atol=2e-3)


@pytest.mark.parametrize("reads", ["tokens", "bilinear"])
def test_released_negatives_are_read_where_the_neighbour_is(make, stores, reads):
    own = make(sampling="fps", reads=reads)(1)
    batches = make(sampling="fps", reads=reads, negatives_at="neighbor")
    batch, crops = batches(1), batches.draws.anchors(1)
    blocks = batch.anchor.sampled(batch.anchor.tokens.float()).split(9, 1)
    assert batch.rolls == own.rolls and len(blocks) == 1 + len(batch.rolls)
    torch.testing.assert_close(blocks[0], own.anchor.sampled(own.anchor.tokens.float()))
    order, near = Store(stores.geometry).read("order"), batches.draws.neighbors(crops, batches.draws.rng(1))
    for roll, block in zip(batch.rolls, blocks[1:], strict=True):
        for b in range(4):  # anchor b has crop b − roll as negative
            at = READS[reads](order[near[b], None, :9].astype(np.int64), (4, 5))
            maps = torch.from_numpy(stores.tokens[crops[b - roll], None].astype(np.float32))
            expected = DEPTH_AT["samples"](maps, torch.from_numpy(at))[0]
            torch.testing.assert_close(block[b - roll], expected)


@pytest.mark.parametrize("mixing", ["neighbors", "released"])
def test_codes_are_mixed_before_they_are_read_between_tokens(make, mixing):
    """As if all codes of a crop were mixed, and the map of mixed codes read."""
    batches = make(sampling="fps", reads="bilinear", lhp="depth", mixing=mixing)
    rows = batches.draws.anchors(0)
    batch, at = batches(0), torch.arange(20).expand(4, -1)
    tokens = torch.from_numpy(batches.inputs.features.read("tokens", rows)).float().flatten(1, 2)
    whole = mix(
        tokens, *MIXINGS[mixing](batches.inputs, rows, at, True)
    ).relu()  # as the projection, not linear
    places = READS["bilinear"](
        batches.inputs.required_geometry.read("order", rows)[:, :9].astype(int), (4, 5)
    )
    side = batch.anchor
    found = side.sampled(mix(side.tokens.float(), side.mix_ids, side.mix_weights).relu())
    expected = DEPTH_AT["samples"](whole.unflatten(1, (4, 5)), torch.from_numpy(places))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sampling", ["fps", "random", "full"])
def test_tokens_and_depth_are_those_at_the_sampled_indices(make, stores, sampling):
    batches = make(sampling=sampling, depth_loss="product", lhp="depth")
    batch = batches(2)
    for place, crop in enumerate(batches.draws.anchors(2)):
        tokens = batch.anchor.sampled(batch.anchor.tokens)
        for n, (found, index) in enumerate(places_of(stores, tokens)[place].tolist()):
            assert found == crop
            row, column = divmod(index, 5)  # the grid has 4 rows of 5 tokens
            assert batch.positions[place, n, 0] == pytest.approx(
                float(stores.depth[crop, row, column]), abs=1e-3
            )


def test_only_tokens_that_are_read_pass_the_head(make):
    lean, full = make(sampling="fps")(1), make(sampling="fps", lhp="depth")(1)
    assert lean.anchor.tokens.shape[1] == 9 < full.anchor.tokens.shape[1] <= 20
    for side in ("anchor", "neighbor"):
        few, many = getattr(lean, side), getattr(full, side)
        assert torch.equal(few.sampled(few.tokens), many.sampled(many.tokens))
        read = {*range(9), *many.mix_ids[0].flatten().tolist()}
        assert read == set(range(max(read) + 1))  # none of the first crop's passes in vain


@given(
    ids=hypothesis_numpy.arrays(np.int64, (3, 4, 2), elements=st.integers(0, 10)),
    order=st.permutations(range(11)),
)
def test_sampled_tokens_come_first_and_every_token_once(ids, order):
    at = np.stack([np.roll(order, crop)[:4] for crop in range(3)])
    kept, places = union_with_neighbors(torch.from_numpy(at), torch.from_numpy(ids), 11)
    assert kept.shape[1] == max(len({*a, *i.flatten()}) for a, i in zip(at, ids, strict=True))
    assert torch.equal(kept[:, :4], torch.from_numpy(at))
    assert all(len(set(row)) == len(row) for row in kept.tolist())
    assert torch.equal(gather_tokens(kept, places.flatten(1)).view(3, 4, 2), torch.from_numpy(ids))


@pytest.mark.parametrize("sampling", ["random", "fps"])
def test_the_number_of_samples_never_changes(make, sampling):
    batches = make(sampling=sampling, samples=3)
    for step in (*STEPS, 1000, 2000, 2333):
        batch = batches(step)
        assert batch.anchor.mix_ids.shape[:2] == batch.neighbor.mix_ids.shape[:2] == (4, 9)
        assert batch.anchor.tokens.shape[1] == batch.neighbor.tokens.shape[1] == 9


def test_random_samples_are_distinct_and_new_at_every_step(make, stores):
    batches = make(sampling="random", lhp="depth")
    sides = [side for step in STEPS for side in (batches(step).anchor, batches(step).neighbor)]
    samples = [places_of(stores, side.sampled(side.tokens))[..., 1] for side in sides]
    assert all(len(set(row)) == 9 for at in samples for row in at.tolist())
    assert len({tuple(at.flatten().tolist()) for at in samples}) == len(samples)
    assert set(np.stack(samples).flatten().tolist()) == set(range(20))


def test_farthest_samples_begin_the_order(make, stores):
    batches = make(sampling="fps", lhp="depth")
    anchor, order = batches(3).anchor, Store(stores.geometry).read("order", batches.draws.anchors(3))
    np.testing.assert_array_equal(places_of(stores, anchor.sampled(anchor.tokens))[..., 1], order[:, :9])


def test_full_sampling_takes_every_token(make):
    assert make(sampling="full")(0).anchor.tokens.shape == (4, 20, 8)


def test_lhp_reads_eight_neighbours_for_both_sides(make, stores):
    batches = make(sampling="fps", lhp="depth")
    batch, stored = batches(0), Store(stores.geometry)
    for side in (batch.anchor, batch.neighbor):
        assert side.mix_ids.shape == side.mix_weights.shape == (4, 9, 8)
        assert torch.equal(side.mix_ids[..., 0], torch.arange(9).expand(4, 9))  # a token is its own nearest
        torch.testing.assert_close(side.mix_weights.sum(-1), torch.ones(4, 9), atol=4e-3, rtol=0)
        for place in range(4):
            crop, index = places_of(stores, side.sampled(side.tokens))[place, 5]
            mixed = side.tokens[place, side.mix_ids[place, 5]]
            ids = places_of(stores, mixed[None])[0]
            assert set(ids[:, 0]) == {crop}
            assert ids[:, 1].tolist() == stored.read("neighbors", [crop])[0, index].tolist()


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
    assert gather_tokens(values, torch.tensor([[2, 0], [1, 1]])).tolist() == [
        [[4, 5], [0, 1]],
        [[8, 9], [8, 9]],
    ]


def test_tokens_kept_as_int8_make_the_same_batch_but_for_half_a_step(make, stores, settings, tmp_path):
    values = packed(torch.from_numpy(stores.tokens).float(), "int8")
    kept = write(
        tmp_path / "f.zarr", {"made": "features"}, **{name: value.numpy() for name, value in values.items()}
    )
    ids, image = stores.ids, np.repeat(np.arange(4), 3).astype(np.int32)
    write(tmp_path / "n.zarr", {"features": kept.fingerprint}, ids=ids, image=image)
    inputs = open_inputs(tmp_path / "f.zarr", tmp_path / "n.zarr", settings)
    found, expected = Batches(inputs, settings, 0)(3).anchor, make()(3).anchor
    assert found.tokens.dtype == torch.float32
    assert 0 < (found.tokens - expected.tokens).abs().max() < np.abs(stores.tokens).max() / 127


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("lhp", ["none", "depth"])
def test_a_card_makes_the_same_batches(stores, guided_settings, lhp):
    settings = guided_settings.model_copy(update={"lhp": lhp})
    there, here = (
        Batches(stores.open(settings), settings, 0, torch.device(name))(3) for name in ("cuda", "cpu")
    )
    assert there.anchor.tokens.is_cuda and there.rolls == here.rolls
    torch.testing.assert_close(there.positions.cpu(), here.positions)
    for mine, own in ((there.anchor, here.anchor), (there.neighbor, here.neighbor)):
        weights = [mix(side.tokens.float(), side.mix_ids, side.mix_weights).cpu() for side in (mine, own)]
        torch.testing.assert_close(*weights)
        torch.testing.assert_close(mine.sampled(mine.tokens).cpu(), own.sampled(own.tokens))
