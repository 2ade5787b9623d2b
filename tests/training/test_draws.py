"""Which crops a step sees, against the definitions."""

import numpy as np
import pytest

from depthg.config.settings import ScheduleSettings
from depthg.errors import DepthGError
from depthg.stages.draws import Draws, check_siblings
from depthg.store.reader import Store

from .conftest import write


def test_siblings_are_the_other_crops_of_an_image(stores, settings):
    draws = Draws(Store(stores.neighbors), settings, 0)
    assert draws.siblings_of(4).tolist() == [3, 4, 5]
    crops = np.array([0, 4, 11])
    drawn = np.array([draws.siblings(crops, step) for step in range(40)])
    for crop, others in zip(crops, drawn.T, strict=True):
        assert set(others) == set(draws.siblings_of(crop)) - {crop}


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
