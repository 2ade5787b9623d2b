"""Which crops a step sees, against the definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.config.settings import DrawSettings, ScheduleSettings
from depthg.errors import DepthGError
from depthg.stages.draws import Draws, check_crops, check_siblings
from depthg.store.reader import Store

from .conftest import write


def test_siblings_are_the_other_crops_of_an_image(stores, settings):
    draws = Draws(Store(stores.neighbors), settings, 0)
    assert draws.siblings_of(4).tolist() == [3, 4, 5]
    crops = np.array([0, 4, 11])
    drawn = np.array([draws.siblings(crops, step) for step in range(40)])
    for crop, others in zip(crops, drawn.T, strict=True):
        assert set(others) == set(draws.siblings_of(crop)) - {crop}


def test_siblings_ascend_wherever_they_are(tmp_path):
    images = np.random.default_rng(0).integers(5, size=600)
    near = write(tmp_path / "n.zarr", {}, image=images.astype(np.int32))
    draws = Draws(near, DrawSettings(), 0)
    for crop in (0, 17, 599):
        assert draws.siblings_of(crop).tolist() == np.flatnonzero(images == images[crop]).tolist()


def test_all_that_a_step_sees(stores, settings):
    near, pairs = Store(stores.neighbors), settings.model_copy(update={"depth_pairs": "sibling"})
    alone, paired = Draws(near, settings, 3).crops(5), Draws(near, pairs, 3).crops(5)
    assert len(alone) == 2 * settings.batch and paired[: len(alone)].tolist() == alone.tolist()
    anchors, neighbors, siblings = np.split(paired, 3)
    assert all(neighbor in stores.ids[anchor] for anchor, neighbor in zip(anchors, neighbors, strict=True))
    assert (siblings // 3 == anchors // 3).all() and (siblings != anchors).all()


def test_crops_that_are_alone_have_no_siblings(tmp_path):
    store = write(tmp_path / "n.zarr", {}, image=np.array([0, 0, 1], np.int32))
    with pytest.raises(DepthGError, match="depth_pairs: sibling pairs crops of one image"):
        check_siblings(store)


def test_a_schedule_is_of_batches_however_steps_are_counted():
    assert ScheduleSettings(seeds=[0], steps=7).batches == 7
    assert ScheduleSettings(seeds=[0], steps=7, step_unit="optimizers").batches == 3


@settings(max_examples=40)
@given(crops=st.integers(2, 60), batch=st.integers(2, 12), seed=st.integers(0, 99), epoch=st.integers(0, 4))
def test_an_epoch_shows_no_crop_twice_and_steps_may_be_asked_for_in_any_order(crops, batch, seed, epoch):
    batch = min(batch, crops)
    steps = range(epoch * (crops // batch), (epoch + 1) * (crops // batch))
    # of the store only its length matters to anchors
    draws, again = (Draws(range(crops), DrawSettings(batch=batch), seed, near=len) for _ in range(2))
    shown = {step: draws.anchors(step).tolist() for step in steps}
    seen = [crop for anchors in shown.values() for crop in anchors]
    assert len(seen) == len({*seen} & {*range(crops)}) == len(steps) * batch
    assert {step: again.anchors(step).tolist() for step in reversed(steps)} == shown


def test_epochs_and_seeds_have_orders_of_their_own():
    seeds = [Draws(range(40), DrawSettings(batch=40), seed, near=len) for seed in range(3)]
    orders = {tuple(draws.anchors(epoch).tolist()) for draws in seeds for epoch in range(3)}
    assert len(orders) == 9 and all(sorted(order) == list(range(40)) for order in orders)


def test_the_rank_of_a_neighbour_is_uniform_among_those_asked_for():
    table = np.arange(10)[:, None] * 100 + np.arange(6)  # the nearest six of ten crops
    draws = Draws(range(10), DrawSettings(batch=2, neighbors=4), 0, near=table.__getitem__)
    found = np.concatenate([draws.neighbors(np.arange(10), draws.rng(step)) for step in range(200)])
    assert (found // 100 == np.tile(np.arange(10), 200)).all()
    assert len({*found[:10] % 100}) > 1  # each anchor has a rank of its own
    ranks = np.bincount(found % 100, minlength=6)
    assert ranks[4:].sum() == 0 and np.abs(ranks[:4] - 500).max() < 80  # four standard deviations


def test_as_many_crops_and_neighbours_as_there_are_do(tmp_path):
    """Of six crops, five others each; a store that keeps two, two."""
    for kept, most in ((7, 5), (2, 2)):
        ids = np.zeros((6, kept), np.int32)
        store = write(tmp_path / f"{kept}.zarr", {}, ids=ids, image=np.zeros(6, np.int32))
        check_crops(store, DrawSettings(batch=6, neighbors=most))
        with pytest.raises(
            DepthGError, match=r"batch: 7 crops a step, but .* holds 6: set batch to at most 6"
        ):
            check_crops(store, DrawSettings(batch=7, neighbors=most))
        with pytest.raises(DepthGError, match=rf"1 … {most + 1}, but the 6 crops of .* have {most} each"):
            check_crops(store, DrawSettings(batch=6, neighbors=most + 1))


def test_two_crops_an_image_are_enough_for_siblings(tmp_path):
    check_siblings(write(tmp_path / "n.zarr", {}, image=np.array([0, 1, 0, 1], np.int32)))
