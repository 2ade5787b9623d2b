"""k-NN against a float64 matrix product."""

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthg.errors import DepthGError
from depthg.neighbors import make_neighbors, nearest
from depthg.settings import NeighborSettings
from depthg.store import Array, Store, Writer


def unit_vectors(count, channels, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, channels)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_pooled(path, vectors):
    writer = Writer(path, len(vectors), {"pooled": Array(vectors.shape[1:], "float32")}, {})
    writer.write(range(len(vectors)), pooled=vectors)
    writer.finish()
    return path


@pytest.mark.parametrize(("count", "keep"), [(40, 5), (12, 11)])
def test_neighbours_are_those_of_the_exact_cosine(tmp_path, count, keep):
    vectors = unit_vectors(count, 16)
    features = write_pooled(tmp_path / "features.zarr", vectors)
    make_neighbors(features, tmp_path / "neighbors.zarr", NeighborSettings(keep=keep))
    cosine = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(cosine, -np.inf)
    expected = np.argsort(-cosine, axis=1)[:, :keep]
    store = Store(tmp_path / "neighbors.zarr")
    np.testing.assert_array_equal(store.read("ids"), expected)
    np.testing.assert_allclose(
        store.read("similarities"), np.take_along_axis(cosine, expected, axis=1), atol=1e-6
    )


@given(st.integers(2, 30), st.integers(0, 5))
def test_no_vector_is_its_own_neighbour_even_among_copies(count, seed):
    vectors = unit_vectors(count, 4, seed)
    vectors[: count // 2 + 1] = vectors[0]
    index = faiss.IndexFlatIP(4)
    index.add(vectors)
    ids, _ = nearest(index, vectors, np.arange(count), min(3, count - 1))
    assert not (ids == np.arange(count)[:, None]).any()


def test_too_few_crops_is_an_error(tmp_path):
    features = write_pooled(tmp_path / "features.zarr", unit_vectors(5, 4))
    with pytest.raises(DepthGError, match="5 crops, too few for 5 neighbours each: add images, or lower"):
        make_neighbors(features, tmp_path / "neighbors.zarr", NeighborSettings(keep=5))
