"""Principal axes against NumPy's SVD, and what a projection keeps."""

import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.stages.components import find_axes, make_projected, principal_axes
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.store.writer import Writer


def tokens_near_a_plane(count, seed=0):
    """Tokens [count, 6] that lie within a hundredth of a space of two dimensions."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 2)) @ rng.normal(size=(2, 6)) + 0.01 * rng.normal(size=(count, 6))


@pytest.fixture
def features(tmp_path):
    tokens = tokens_near_a_plane(5 * 12).reshape(5, 3, 4, 6).astype(np.float16)
    arrays = {"tokens": Array((3, 4, 6), "float16"), "pooled": Array((6,), "float32")}
    writer = Writer(tmp_path / "features.zarr", 5, arrays, {"crops": "c"})
    writer.write(range(5), tokens=tokens, pooled=np.zeros((5, 6)))
    writer.finish()
    return writer.path


def test_axes_are_those_of_the_svd_of_unit_tokens():
    tokens = tokens_near_a_plane(200)
    axes, kept = principal_axes(torch.from_numpy(tokens), 3)
    unit = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
    _, strengths, directions = np.linalg.svd(unit, full_matrices=False)
    np.testing.assert_allclose(np.abs(np.sum(axes.numpy() * directions[:3].T, axis=0)), 1, atol=1e-6)
    assert kept == pytest.approx((strengths[:3] ** 2).sum() / 200)
    assert (axes.numpy()[np.abs(axes.numpy()).argmax(0), range(3)] > 0).all()


def test_cosines_are_kept_and_all_channels_change_nothing(tmp_path, features):
    stored = Store(features).read("tokens").reshape(-1, 6).astype(np.float64)
    for channels, tolerance in ((2, 2e-2), (6, 2e-3)):
        find_axes(features, channels, tmp_path / f"{channels}.npy")
        make_projected(features, tmp_path / f"{channels}.npy", tmp_path / f"{channels}.zarr")
        found = Store(tmp_path / f"{channels}.zarr").read("tokens").astype(np.float64)
        assert found.shape == (5, 3, 4, channels)
        far = np.linalg.norm(stored, axis=1) > 0.3  # close to the origin the noise decides

        def cosines(tokens, far=far):
            unit = tokens[far] / np.linalg.norm(tokens[far], axis=1, keepdims=True)
            return unit @ unit.T

        np.testing.assert_allclose(cosines(found.reshape(-1, channels)), cosines(stored), atol=tolerance)


def test_the_store_belongs_to_the_same_crops_and_pools_its_own_tokens(tmp_path, features):
    find_axes(features, 2, tmp_path / "axes.npy")
    make_projected(features, tmp_path / "axes.npy", tmp_path / "out.zarr")
    store = Store(tmp_path / "out.zarr")
    assert store.provenance["crops"] == "c"
    mean = store.read("tokens").astype(np.float64).mean((1, 2))
    np.testing.assert_allclose(
        store.read("pooled"), mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-2
    )


def test_projected_features_of_mirrored_crops_say_so(tmp_path, features):
    find_axes(features, 2, tmp_path / "axes.npy")
    tokens = TokenStore(features).read("tokens")[:, :, ::-1].copy()
    arrays = {"tokens": Array((3, 4, 6), "float16"), "pooled": Array((6,), "float32")}
    writer = Writer(tmp_path / "mirrored.zarr", 5, arrays, {"crops": "c", "mirrored": True})
    writer.write(range(5), tokens=tokens, pooled=np.zeros((5, 6)))
    writer.finish()
    for name in ("features", "mirrored"):
        make_projected(tmp_path / f"{name}.zarr", tmp_path / "axes.npy", tmp_path / f"{name}_2.zarr")
    plain, mirrored = (TokenStore(tmp_path / f"{name}_2.zarr") for name in ("features", "mirrored"))
    assert mirrored.mirrored and not plain.mirrored and mirrored.fingerprint != plain.fingerprint
    assert mirrored.provenance["axes"] == plain.provenance["axes"]
    np.testing.assert_array_equal(mirrored.read("tokens"), plain.read("tokens")[:, :, ::-1])


def test_more_axes_than_channels(tmp_path, features):
    with pytest.raises(DepthGError, match=r"channels: 7 asked for, but .* has 6: lower it"):
        find_axes(features, 7, tmp_path / "axes.npy")
