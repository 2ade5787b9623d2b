"""k-NN against a float64 matrix product."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.config.settings import NeighborSettings
from depthg.errors import DepthGError
from depthg.stages.neighbors import drop_channels, make_neighbors, without_group
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer


def unit_vectors(count, channels, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, channels)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_stores(root, vectors, image=None):
    """Paths of features and crops; an image a crop unless said otherwise."""
    count = len(vectors)
    crops = Writer(root / "crops.zarr", count, {"image": Array((), "int32")}, {})
    crops.write(range(count), image=np.arange(count) if image is None else image)
    crops.finish()
    provenance = {"crops": Store(root / "crops.zarr").fingerprint}
    features = Writer(
        root / "features.zarr", count, {"pooled": Array(vectors.shape[1:], "float32")}, provenance
    )
    features.write(range(count), pooled=vectors)
    features.finish()
    return features.path, crops.path


def neighbors_of(root, vectors, image=None, **keys):
    make_neighbors(*write_stores(root, vectors, image), root / "neighbors.zarr", NeighborSettings(**keys))
    return Store(root / "neighbors.zarr")


@pytest.mark.parametrize(("count", "keep"), [(40, 5), (12, 11)])
def test_neighbours_are_those_of_the_exact_cosine(tmp_path, count, keep):
    vectors = unit_vectors(count, 16)
    store = neighbors_of(tmp_path, vectors, keep=keep)
    cosine = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(cosine, -np.inf)
    expected = np.argsort(-cosine, axis=1)[:, :keep]
    np.testing.assert_array_equal(store.read("ids"), expected)
    np.testing.assert_array_equal(store.read("image"), np.arange(count))
    np.testing.assert_allclose(
        store.read("similarities"), np.take_along_axis(cosine, expected, axis=1), atol=1e-6
    )


def test_crops_of_the_same_image_can_be_left_out(tmp_path):
    vectors, image = unit_vectors(30, 8), np.repeat(np.arange(6), 5)
    vectors[1] = vectors[0] + 1e-3  # a sibling, and the nearest there is
    store = neighbors_of(tmp_path, vectors, image, keep=4, siblings=False)
    cosine = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    cosine[image[:, None] == image] = -np.inf
    np.testing.assert_array_equal(store.read("ids"), np.argsort(-cosine, axis=1)[:, :4])


def test_released_neighbours_are_found_with_dropout_left_on():
    vectors = unit_vectors(50, 40)
    found = drop_channels(vectors, 0.1)
    silent = found == 0
    assert 0.05 < silent.mean() < 0.15
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    for row in range(50):
        kept = ~silent[row]
        np.testing.assert_allclose(
            found[row, kept] / vectors[row, kept], 1 / np.linalg.norm(vectors[row, kept]), rtol=1e-5
        )
    assert drop_channels(vectors, 0.0) is vectors


@given(st.integers(2, 30), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_no_vector_is_its_own_neighbour_even_among_copies(count, seed):
    vectors = unit_vectors(count, 4, seed)
    vectors[: count // 2 + 1] = vectors[0]
    with TemporaryDirectory() as root:
        ids = neighbors_of(Path(root), vectors, keep=min(3, count - 1)).read("ids")
    assert not (ids == np.arange(count)[:, None]).any()


def test_too_few_crops_is_an_error(tmp_path):
    with pytest.raises(
        DepthGError, match=r"5 crops, too few for 5 neighbours each: add images, or lower .* `snakemake"
    ):
        neighbors_of(tmp_path, unit_vectors(5, 4), keep=5)


def test_dropout_does_not_depend_on_the_blocks_that_bound_its_memory(monkeypatch):
    vectors = unit_vectors(50, 40)
    kept = vectors * (np.random.default_rng(0).random(vectors.shape) >= 0.1)
    monkeypatch.setattr("depthg.stages.neighbors.BATCH", 7)
    expected = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    np.testing.assert_array_equal(drop_channels(vectors, 0.1), expected.astype(np.float32))


@given(st.integers(2, 12), st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=40)
def test_of_any_candidates_the_nearest_of_other_groups_are_kept_in_order(count, largest, keep, seed):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.arange(count * largest) // largest)  # each as large
    keep = min(keep, len(group) - largest)
    rows = rng.integers(len(group), size=3)
    ids = np.stack([rng.permutation(len(group))[: keep + largest] for _ in rows])
    cosines = -np.sort(-rng.random(ids.shape).astype(np.float32), axis=1)
    found, alike = without_group(ids, cosines, rows, group, keep)
    for row, candidates, cosine, kept, values in zip(rows, ids, cosines, found, alike, strict=True):
        others = [(i, c) for i, c in zip(candidates, cosine, strict=True) if group[i] != group[row]]
        assert list(zip(kept, values, strict=True)) == others[:keep]
