"""The features stage without a backbone, at tiny sizes; no time is asserted."""

import numpy as np
import pytest

from benchmarks import free_backbone
from benchmarks.free_backbone import Sizes
from benchmarks.report import markdown
from depthg.stages.features import feature_arrays
from depthg.store.reader import Store

SIZES = Sizes(crops=20, side=8, arrays=feature_arrays((2, 3, 4), "float16"), rounds=1)


def test_the_stage_is_held_against_its_slower_part(tmp_path):
    stage, *parts = free_backbone.measured(tmp_path, SIZES)
    assert stage.items == 20 and len(parts) == 2
    assert stage.ratio == pytest.approx(max(part.ours.seconds for part in parts) / stage.ours.seconds)
    assert "the slower of its parts alone" in markdown({"cores": 2}, [stage, *parts])


def test_crops_are_smooth_but_for_a_few_levels(tmp_path):
    free_backbone.write_crops(tmp_path / "crops.zarr", Sizes(crops=3, side=64))
    images = Store(tmp_path / "crops.zarr").read("images").astype(int)
    assert images.shape == (3, 64, 64, 3)
    assert np.abs(np.diff(images, axis=1)).max() < 60 and images.std() > 10
