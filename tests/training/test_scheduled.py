"""Scheduled crops: just those that are drawn, and trainings on them the same as on all."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from depthg.config.settings import GeometrySettings, ScheduleSettings
from depthg.errors import DepthGError
from depthg.stages.geometry import make_geometry
from depthg.stages.schedule import make_scheduled, scheduled_crops
from depthg.store.reader import Store
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs

from .conftest import CROPS, write

SEEDS = [0, 5]


@pytest.fixture
def schedule(settings) -> ScheduleSettings:
    """One batch of each seed, so that some crops are never drawn."""
    own = {name: getattr(settings, name) for name in ScheduleSettings.model_fields if name != "seeds"}
    return ScheduleSettings(**own | {"batch": 2, "steps": 2, "seeds": SEEDS})


@pytest.fixture
def scheduled(stores, schedule, tmp_path):
    """The stores of all crops, and beside them those of the scheduled ones."""
    rng, image = np.random.default_rng(1), np.repeat(np.arange(4), 3).astype(np.int32)
    pictures = {
        "images": rng.integers(255, size=(CROPS, 8, 8, 3)).astype(np.uint8),
        "labels": rng.integers(3, size=(CROPS, 8, 8)).astype(np.uint16),
        "boxes": rng.random((CROPS, 4)).astype(np.float32),
        "image": image,
    }
    crops = write(tmp_path / "crops.zarr", {}, **pictures)
    origin = {"features": Store(stores.features).fingerprint, "crops": crops.fingerprint}
    write(tmp_path / "n.zarr", origin, ids=stores.ids, image=image)
    make_scheduled(tmp_path / "crops.zarr", tmp_path / "n.zarr", tmp_path / "s.zarr", schedule)
    rows = Store(tmp_path / "s.zarr").read("row")
    own = {"crops": Store(tmp_path / "s.zarr").fingerprint}
    write(tmp_path / "f.zarr", own, tokens=stores.tokens[rows])
    write(tmp_path / "d.zarr", own, depth=stores.depth[rows])
    make_geometry(
        tmp_path / "d.zarr", tmp_path / "f.zarr", tmp_path / "g.zarr", GeometrySettings(order_length=12)
    )
    paths = {
        "features": tmp_path / "f.zarr",
        "neighbors": tmp_path / "n.zarr",
        "geometry": tmp_path / "g.zarr",
    }
    return pictures, tmp_path / "s.zarr", replace(stores, **paths)


def test_just_the_crops_that_some_seed_draws(scheduled, stores, schedule, settings):
    pictures, path, _ = scheduled
    store, drawn = Store(path), set[int]()
    for seed in SEEDS:
        for step in range(2):
            batches = Batches(stores.open(settings), settings.model_copy(update={"batch": 2}), seed)
            for side in (batches(step).anchor, batches(step).neighbor):
                for tokens in side.tokens.numpy():
                    drawn.add(
                        int((stores.tokens == tokens[0].astype(np.float16)).all(-1).any((1, 2)).argmax())
                    )
    rows = store.read("row")
    assert rows.tolist() == sorted(drawn) and 4 < len(rows) < CROPS
    for name, values in pictures.items():
        assert np.array_equal(store.read(name), values[rows])


@pytest.mark.parametrize("update", [{}, {"sampling": "fps", "depth_loss": "product", "lhp": "depth"}])
def test_batches_are_those_of_all_crops(scheduled, stores, settings, update):
    own = settings.model_copy(update={"batch": 2, **update})
    _, schedule, few = scheduled
    inputs = open_inputs(few.features, few.neighbors, own, geometry=few.geometry, schedule=schedule)
    assert inputs.crops == CROPS
    for seed in SEEDS:
        for step in range(2):
            found, expected = Batches(inputs, own, seed)(step), Batches(stores.open(own), own, seed)(step)
            for side in ("anchor", "neighbor"):
                one, other = getattr(found, side), getattr(expected, side)
                assert torch.equal(one.tokens, other.tokens)
                assert torch.equal(one.mix_ids, other.mix_ids)
                assert torch.equal(one.mix_weights, other.mix_weights)
            assert torch.equal(found.positions, expected.positions) and found.rolls == expected.rolls


def test_siblings_are_scheduled_where_they_are_paired(scheduled, stores, schedule):
    *_, few = scheduled
    near = Store(few.neighbors)
    alone, paired = (
        scheduled_crops(near, schedule.model_copy(update={"depth_pairs": pairs}))
        for pairs in ("crop", "sibling")
    )
    assert set(alone) < set(paired)


def test_siblings_must_be_there_only_where_they_are_paired(stores, schedule, tmp_path):
    near = write(tmp_path / "alone.zarr", {}, ids=stores.ids, image=np.arange(CROPS, dtype=np.int32))
    assert len(scheduled_crops(near, schedule))
    with pytest.raises(DepthGError, match="depth_pairs: sibling pairs crops of one image"):
        scheduled_crops(near, schedule.model_copy(update={"depth_pairs": "sibling"}))


def test_neighbours_of_other_crops_are_refused(scheduled, stores, schedule, tmp_path):
    with pytest.raises(DepthGError, match="was made from another"):
        make_scheduled(tmp_path / "crops.zarr", stores.neighbors, tmp_path / "other.zarr", schedule)
    assert not (tmp_path / "other.zarr").exists()


def test_another_seed_is_not_scheduled(scheduled, settings):
    own = settings.model_copy(update={"batch": 2})
    _, schedule, few = scheduled
    inputs = open_inputs(few.features, few.neighbors, own, geometry=few.geometry, schedule=schedule)
    with pytest.raises(DepthGError, match=r"crop \d+ is not in .*s.zarr: .*list all seeds under `seeds`"):
        for seed in range(6, 20):
            Batches(inputs, own, seed)(0)


def test_scheduled_crops_belong_to_their_neighbours(scheduled, stores, settings):
    _, schedule, few = scheduled
    with pytest.raises(DepthGError, match="was made from another"):
        open_inputs(few.features, stores.neighbors, settings, geometry=few.geometry, schedule=schedule)


def test_a_batch_larger_than_the_data(scheduled, schedule):
    *_, few = scheduled
    with pytest.raises(DepthGError, match=r"batch: 99 crops a step, but .* holds 12"):
        scheduled_crops(Store(few.neighbors), schedule.model_copy(update={"batch": 99}))
