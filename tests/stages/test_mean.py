"""The mean token against float64 NumPy."""

import numpy as np
import pytest

from depthg.errors import DepthGError
from depthg.stages import mean
from depthg.stages.mean import make_mean
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer


@pytest.fixture
def tokens():
    return np.random.default_rng(0).normal(1, 2, size=(37, 3, 4, 6)).astype(np.float16)


@pytest.fixture
def features(tmp_path, tokens):
    writer = Writer(tmp_path / "features.zarr", 37, {"tokens": Array((3, 4, 6), "float16")}, {"crops": "c"})
    writer.write(range(37), tokens=tokens)
    writer.finish()
    return writer.path


def mean_of(tokens):
    exact = tokens.astype(np.float64).reshape(-1, 6)
    return (exact / np.linalg.norm(exact, axis=1, keepdims=True)).mean(0)


def test_it_is_the_mean_of_unit_tokens(tmp_path, features, tokens):
    make_mean(features, tmp_path / "mean.zarr")
    store = Store(tmp_path / "mean.zarr").expect(features=Store(features))
    np.testing.assert_allclose(store.read("mean"), mean_of(tokens)[None], rtol=1e-5)


def test_of_many_crops_it_reads_an_even_sample(tmp_path, features, tokens, monkeypatch):
    monkeypatch.setattr(mean, "CROPS", 5)
    make_mean(features, tmp_path / "mean.zarr")
    np.testing.assert_allclose(
        Store(tmp_path / "mean.zarr").read("mean")[0], mean_of(tokens[[0, 9, 18, 27, 36]]), rtol=1e-5
    )


def test_a_missing_store_is_an_error(tmp_path):
    with pytest.raises(DepthGError, match=r"features\.zarr"):
        make_mean(tmp_path / "features.zarr", tmp_path / "mean.zarr")
