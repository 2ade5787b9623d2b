"""Spherical k-means on codes: the cluster probe (Sec. 3.1)."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss
import numpy as np
import torch
from torch.nn import functional

from depthg.errors import DepthGError
from depthg.evaluation.codes import CodeReader, encode
from depthg.runtime.progress import track

TOKENS_A_CROP = 16  # a crop costs a read of all its tokens, so a large set gives some from fewer crops
BATCH = 32
ITERATIONS = 100


def sample_codes(reader: CodeReader, samples: int, seed: int) -> np.ndarray:
    """Up to `samples` unit codes float32 [n, Q], equally many (±1) from every crop drawn, without repetition.

    All crops are drawn from unless they are so many that each would give fewer than `TOKENS_A_CROP`.
    """
    drawn = _draw_crops(len(reader), samples, seed)
    per_crop = _split_evenly(min(samples, len(drawn) * reader.grid[0] * reader.grid[1]), len(drawn))
    starts = range(0, len(drawn), BATCH)
    codes = []
    for start in track(starts, len(starts), "codes for k-means"):
        crops, counts = drawn[start : start + BATCH], per_crop[start : start + BATCH]
        chosen = [
            tokens[np.random.default_rng([seed, crop]).permutation(len(tokens))[:count]]
            for tokens, crop, count in zip(reader.tokens(crops), crops, counts, strict=True)
        ]
        codes.append(encode(reader.head, np.concatenate(chosen)[None])[0])
    return functional.normalize(torch.cat(codes), dim=-1).numpy()


def _draw_crops(crops: int, samples: int, seed: int) -> np.ndarray:
    """Ascending ids of the crops that codes are taken from.

    At random: at regular steps, five-cropped images would always show the same corner.
    """
    wanted = min(crops, -(-samples // TOKENS_A_CROP))
    return np.sort(np.random.default_rng(seed).permutation(crops)[:wanted])


def _split_evenly(total: int, parts: int) -> np.ndarray:
    """`total` split into `parts` whole numbers that differ by at most one."""
    return np.diff(np.arange(parts + 1) * total // parts)


def fit_centroids(codes: np.ndarray, clusters: int, restarts: int, seed: int) -> np.ndarray:
    """Unit centroids float32 [clusters, Q] that maximise the summed cosine to their codes.

    Args:
        codes: unit codes float32 [n, Q].
        clusters: number of centroids.
        restarts: starts from different codes, of which the best is returned.
        seed: of the starts; the same seed gives the same centroids, whatever the number of threads.

    Raises:
        DepthGError: fewer codes than clusters, or codes that are not finite.
    """
    if len(codes) < clusters:
        raise DepthGError(f"{len(codes)} codes for {clusters} clusters: lower `clusters` or add images")
    if not np.isfinite(codes).all():
        raise DepthGError("the codes are not finite: the head diverged: train it with a lower learning_rate")
    kmeans = faiss.Kmeans(
        codes.shape[1],
        clusters,
        niter=ITERATIONS,
        nredo=restarts,
        seed=seed,
        spherical=True,
        init_method=faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS,  # random starts miss small clusters
        min_points_per_centroid=1,  # below its default of 39 faiss prints a warning
        max_points_per_centroid=len(codes),  # above its default of 256 faiss drops codes
    )
    with _one_thread():
        kmeans.train(np.ascontiguousarray(codes, dtype=np.float32))
    centroids = np.asarray(kmeans.centroids)
    return centroids / np.linalg.norm(centroids, axis=1, keepdims=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep faiss to one thread: sums split among threads round differently, and k-means amplifies it."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
