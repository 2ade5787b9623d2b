import numpy as np
import pytest

from depthg.config.settings import TrainSettings
from depthg.errors import DepthGError
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer
from depthg.training.inputs import open_inputs


def test_sizes_and_fingerprints(stores, guided_settings):
    inputs = stores.open(guided_settings)
    assert (inputs.crops, inputs.tokens, inputs.channels) == (12, 20, 8)
    assert inputs.fingerprints["geometry"] == Store(stores.geometry).fingerprint


def test_geometry_is_ignored_where_nothing_needs_it(stores, settings):
    inputs = open_inputs(stores.features, stores.neighbors, settings, geometry=stores.geometry / "missing")
    assert "geometry" not in inputs.fingerprints


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"batch": 13}, "batch: 13 crops a step, but .* holds 12: set batch to at most 12"),
        ({"neighbors": 5}, r"neighbors: ranks 1 … 5, .* have 4 each: set neighbors to at most that"),
        ({"neighbors": 12}, "neighbors: ranks 1 … 12"),
        ({"samples": 5}, "samples: 5² tokens of a crop, but random has 20: set samples to at most 4"),
        ({"samples": 4, "sampling": "fps"}, "but fps has 12: set samples to at most 3"),
        ({"tokens_at": "transposed"}, r"tokens_at: transposed needs as many rows as columns, not \(4, 5\)"),
    ],
)
def test_more_than_there_is(stores, settings, update, message):
    with pytest.raises(DepthGError, match=message) as caught:
        stores.open(settings.model_copy(update=update))
    assert "\n" not in str(caught.value)


def test_full_sampling_needs_no_particular_number(stores, settings):
    stores.open(settings.model_copy(update={"samples": 99, "sampling": "full"}))


def test_nothing_is_asked_of_the_stores_without_steps(stores):
    open_inputs(stores.features, stores.neighbors, TrainSettings(steps=0))


def test_attention_is_needed_but_not_given(stores, settings):
    with pytest.raises(DepthGError, match="need the attention store: give --attention"):
        stores.open(settings.model_copy(update={"lhp": "attention"}))


@pytest.mark.parametrize("update", [{"sampling": "fps"}, {"depth_loss": "product"}, {"lhp": "depth"}])
def test_depth_is_needed_but_not_given(stores, settings, update):
    with pytest.raises(DepthGError, match="give --geometry"):
        open_inputs(stores.features, stores.neighbors, settings.model_copy(update=update))


def test_neighbours_of_other_features(stores, settings, tmp_path):
    writer = Writer(tmp_path / "other.zarr", 12, {"tokens": Array((4, 5, 8), "float16")}, {"made": "anew"})
    writer.write(range(12), tokens=np.zeros((12, 4, 5, 8)))
    writer.finish()
    with pytest.raises(DepthGError, match="was made from another"):
        open_inputs(tmp_path / "other.zarr", stores.neighbors, settings)


def mean_store(path, provenance):
    writer = Writer(path, 1, {"mean": Array((8,), "float32")}, provenance)
    writer.write(range(1), mean=np.full((1, 8), 0.25))
    writer.finish()
    return path


def test_centred_tokens_need_the_mean_of_these_features(stores, settings, tmp_path):
    centred = settings.model_copy(update={"tokens": "centred"})
    with pytest.raises(DepthGError, match="need the mean store: give --mean"):
        open_inputs(stores.features, stores.neighbors, centred)
    own = mean_store(tmp_path / "own.zarr", {"features": Store(stores.features).fingerprint})
    assert open_inputs(stores.features, stores.neighbors, centred, mean=own).mean_token.tolist() == [0.25] * 8
    other = mean_store(tmp_path / "other.zarr", {"features": "of another data set"})
    with pytest.raises(DepthGError, match=r"other.zarr was made from another .*features.zarr") as caught:
        open_inputs(stores.features, stores.neighbors, centred, mean=other)
    assert "\n" not in str(caught.value)
    assert open_inputs(stores.features, stores.neighbors, settings, mean=own).mean_token is None
