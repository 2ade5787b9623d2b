import faiss
import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.evaluation.clustering import fit_centroids, sample_codes
from depthg.evaluation.codes import CodeReader
from depthg.store.reader import Store

TOKENS = 64  # of a crop


def planted_codes(clusters: int, per_cluster: int, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Unit codes around orthogonal directions, and their clusters."""
    rng = np.random.default_rng(1)
    which = np.arange(clusters).repeat(per_cluster)
    codes = np.eye(dim)[which] + rng.normal(size=(len(which), dim)) * 0.1
    return (codes / np.linalg.norm(codes, axis=1, keepdims=True)).astype(np.float32), which


def test_recovers_planted_clusters_as_unit_mean_directions():
    codes, which = planted_codes(6, 40)
    centroids = fit_centroids(codes, 6, restarts=3, seed=0)
    found = (codes @ centroids.T).argmax(axis=1)
    assert len({(a, b) for a, b in zip(which, found, strict=True)}) == 6
    mean = codes[which == 0].mean(axis=0)
    assert np.allclose(centroids[found[0]], mean / np.linalg.norm(mean), atol=1e-5)
    assert centroids.dtype == np.float32
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-6)


def scattered_codes(count: int = 600, dim: int = 8) -> np.ndarray:
    codes = np.random.default_rng(0).normal(size=(count, dim)).astype(np.float32)
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def test_same_seed_same_bytes_whatever_the_threads():
    codes, threads = scattered_codes(), (torch.get_num_threads(), faiss.omp_get_max_threads())
    try:
        torch.set_num_threads(1)
        once = fit_centroids(codes, 7, restarts=3, seed=5)
        torch.set_num_threads(3)
        faiss.omp_set_num_threads(3)
        again = fit_centroids(codes, 7, restarts=3, seed=5)
        assert faiss.omp_get_max_threads() == 3
    finally:
        torch.set_num_threads(threads[0])
        faiss.omp_set_num_threads(threads[1])
    assert once.tobytes() == again.tobytes()
    assert once.tobytes() != fit_centroids(codes, 7, restarts=3, seed=6).tobytes()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_restart_is_that_of_faiss(seed):
    codes = scattered_codes()
    reference = faiss.Kmeans(8, 7, niter=100, nredo=4, seed=seed, spherical=True)
    reference.cp.init_method = faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS
    reference.train(codes)
    assert np.allclose(fit_centroids(codes, 7, restarts=4, seed=seed), reference.centroids, atol=1e-6)


def test_the_largest_seed():
    assert fit_centroids(scattered_codes(), 3, restarts=2, seed=2**31 - 1).shape == (3, 8)


def test_prints_nothing_for_few_codes(capfd):
    fit_centroids(planted_codes(3, 2)[0], 3, restarts=1, seed=0)
    assert capfd.readouterr() == ("", "")


def test_fewer_codes_than_clusters_is_named():
    with pytest.raises(DepthGError, match="4 codes for 5 clusters"):
        fit_centroids(np.eye(4, dtype=np.float32), 5, restarts=1, seed=0)


def test_codes_that_are_not_finite_are_named():
    with pytest.raises(DepthGError, match="not finite"):
        fit_centroids(np.full((4, 3), np.nan, np.float32), 2, restarts=1, seed=0)


@pytest.fixture
def numbered(tmp_path, write_store) -> CodeReader:
    """Forty crops whose tokens tell their crop and token by direction."""
    crop, token = np.divmod(np.arange(40 * TOKENS), TOKENS)
    tokens = np.zeros((40 * TOKENS, 3), np.float16)
    tokens[:, 0], tokens[:, 1], tokens[:, 2] = crop, token, 1
    write_store(tmp_path / "f.zarr", {"tokens": tokens.reshape(40, 8, 8, 3)})
    return CodeReader(Store(tmp_path / "f.zarr"), lambda tokens: tokens)


def origin(codes: np.ndarray) -> np.ndarray:
    """Crop and token [n, 2] of each sampled code."""
    assert np.allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-6)
    return (codes[:, :2] / codes[:, 2:3]).round().astype(int)


def test_sample_is_even_over_crops_without_repetition(numbered):
    pairs = origin(sample_codes(numbered, 1000, seed=3))
    counts = np.bincount(pairs[:, 0], minlength=40)
    assert counts.sum() == 1000
    assert counts.max() - counts.min() <= 1
    assert len({tuple(pair) for pair in pairs}) == 1000


def test_few_samples_come_from_few_crops_of_all_five_positions(numbered):
    crops = np.unique(origin(sample_codes(numbered, 16 * 20, seed=0))[:, 0])
    assert len(crops) == 20
    assert set(crops % 5) == {0, 1, 2, 3, 4}


def test_sample_takes_everything_there_is(numbered):
    assert len({tuple(pair) for pair in origin(sample_codes(numbered, 10**6, seed=0))}) == 40 * TOKENS


def test_sample_is_a_function_of_the_seed(numbered):
    assert np.array_equal(sample_codes(numbered, 100, 1), sample_codes(numbered, 100, 1))
    assert not np.array_equal(sample_codes(numbered, 100, 1), sample_codes(numbered, 100, 2))
