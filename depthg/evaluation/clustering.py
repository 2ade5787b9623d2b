"""Spherical k-means on codes: the cluster probe (Sec. 3.1)."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import itemgetter

import numpy as np
import torch
from torch.nn import functional

from depthg.errors import DepthGError
from depthg.evaluation.codes import CodeReader, encode
from depthg.runtime.progress import track

TOKENS_A_CROP = 16  # least per crop: reading one token reads its whole crop, so large sets use fewer crops
BATCH = 32
ITERATIONS = 100
APART = 15_486_557  # the seeds of two restarts: faiss's own number, so that its `nredo` gives the same
SEEDS = 2**31  # faiss takes no larger ones


def sample_codes(reader: CodeReader, samples: int, seed: int) -> np.ndarray:
    """Draw a random sample of unit codes on which k-means is fitted.

    Args:
        reader: codes of M crops with P tokens each.
        samples: number of codes; all M·P if there are fewer. Fewer, too, where P < `TOKENS_A_CROP`: all tokens of
            samples / `TOKENS_A_CROP` crops, as many crops as are drawn of larger ones.
        seed: seed of the draws.

    Returns:
        float32 [n, Q], the same number (±1) from every crop drawn, no token twice. All crops are drawn, unless each
        would then give fewer than `TOKENS_A_CROP` codes.
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
    return functional.normalize(torch.cat(codes), dim=-1).cpu().numpy()


def _draw_crops(crops: int, samples: int, seed: int) -> np.ndarray:
    """Ids of the crops to sample, ascending; at random, as a regular step could select one corner of all images."""
    count = min(crops, -(-samples // TOKENS_A_CROP))
    return np.sort(np.random.default_rng(seed).permutation(crops)[:count])


def _split_evenly(total: int, parts: int) -> np.ndarray:
    """Split `total` into `parts` integers that differ by at most one: int [parts]."""
    return np.diff(np.arange(parts + 1) * total // parts)


def fit_centroids(
    codes: np.ndarray, clusters: int, restarts: int, seed: int, iterations: int = ITERATIONS
) -> np.ndarray:
    """Spherical k-means: unit centroids that maximise the sum of the codes' cosines to their nearest centroid.

    Args:
        codes: unit codes float32 [n, Q].
        clusters: number of centroids.
        restarts: number of k-means++ initialisations, each in a thread of its own; the best result is returned.
        seed: seed of the initialisations; the result depends on it but not on the number of threads.
        iterations: steps of k-means after each initialisation.

    Returns:
        float32 [clusters, Q]; a cluster of codes that are all zero, which have no direction, has the centroid zero.

    Raises:
        DepthGError: there are fewer codes than clusters, or a code is not finite.

    Example:
        >>> codes = np.float32([[1, 0], [0.8, 0.6], [0, -1]])
        >>> fit_centroids(codes, clusters=2, restarts=5, seed=0).round(2)
        array([[ 0.  , -1.  ],
               [ 0.95,  0.32]], dtype=float32)
    """
    if len(codes) < clusters:
        raise DepthGError(f"{len(codes)} codes for {clusters} clusters: lower `clusters` or add images")
    if not np.isfinite(codes).all():
        raise DepthGError("the codes are not finite: the head diverged: train it with a lower learning_rate")
    fit = partial(_fit_once, np.ascontiguousarray(codes, dtype=np.float32), clusters, iterations)
    with ThreadPoolExecutor(min(restarts, torch.get_num_threads())) as threads:
        found = threads.map(fit, [(seed + APART * restart) % SEEDS for restart in range(restarts)])
        centroids = max(found, key=itemgetter(0))[1]
    lengths = np.linalg.norm(centroids, axis=1, keepdims=True)
    return centroids / np.where(lengths > 0, lengths, 1)


def _fit_once(codes: np.ndarray, clusters: int, iterations: int, seed: int) -> tuple[float, np.ndarray]:
    """Sum of cosines and centroids float32 [clusters, Q] of one restart, in a thread of its own."""
    import faiss  # slow to import; training and evaluation use this module without it

    # Holds for this thread alone. With more, parallel sums round differently, and k-means amplifies the difference.
    faiss.omp_set_num_threads(1)
    kmeans = faiss.Kmeans(
        codes.shape[1],
        clusters,
        niter=iterations,
        seed=seed,
        spherical=True,
        init_method=faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS,  # random initialisation misses small clusters
        min_points_per_centroid=1,  # below its default of 39 faiss prints a warning
        max_points_per_centroid=len(codes),  # above its default of 256 faiss drops codes
    )
    objective = kmeans.train(codes)
    return float(objective), np.asarray(kmeans.centroids)
