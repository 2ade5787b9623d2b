"""Exact k-NN: the nearest crops of every crop by the cosine of their pooled features (STEGO, Sec. 3.3)."""

from pathlib import Path

import faiss
import numpy as np

from depthg.config.settings import NeighborSettings
from depthg.data.records import index_again
from depthg.errors import DepthGError
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

BATCH = 4096


def make_neighbors(features: Path, crops: Path, out: Path, settings: NeighborSettings) -> None:
    """Write the nearest other crops of each crop, nearest first, and the image of each crop.

    Args:
        features: store with `pooled` unit vectors float32 [M, C].
        crops: the crop store from which the features were made.
        out: store to write: `ids` int32 [M, keep], `similarities` float32 [M, keep], `image` int32 [M].
        settings: `keep`, `siblings` (whether crops of one image may be neighbours) and `pooled_dropout`.

    Raises:
        DepthGError: the store has too few crops for `keep` neighbours each.
    """
    source, cut = Store(features), Store(crops)
    source.expect(crops=cut)
    image = cut.read("image")
    # The group of a crop is excluded from its neighbours: only the crop itself, or all crops of its image.
    group: np.ndarray = np.arange(len(source)) if settings.siblings else image
    largest = int(np.unique(group, return_counts=True)[1].max())
    if len(source) < settings.keep + largest:
        raise DepthGError(
            f"{source.path}: {len(source)} crops, too few for {settings.keep} neighbours each: "
            "add images, or lower `keep` (and `neighbors`) in the settings of the data set; added images are found "
            f"with {index_again()}"
        )
    pooled = drop_channels(source.read("pooled"), settings.pooled_dropout)
    provenance = {"settings": settings.model_dump(), "features": source.fingerprint, "crops": cut.fingerprint}
    writer = Writer(out, len(source), neighbor_arrays(settings), provenance, unit=BATCH)
    for rows in writer.tracked(BATCH, "neighbours"):
        chosen = np.arange(rows.start, rows.stop)
        # Of a faiss index, which would be a second copy of all vectors, this is the search.
        similarities, ids = faiss.knn(
            pooled[chosen], pooled, settings.keep + largest, metric=faiss.METRIC_INNER_PRODUCT
        )
        ids, similarities = without_group(ids, similarities, chosen, group, settings.keep)
        writer.write(rows, ids=ids, similarities=similarities, image=image[chosen])
    writer.finish()


def neighbor_arrays(settings: NeighborSettings) -> dict[str, Array]:
    """The arrays of a neighbour store; uncompressed, as training reads rows at random."""
    return {
        "ids": Array((settings.keep,), "int32", compress=False),
        "similarities": Array((settings.keep,), "float32", compress=False),
        "image": Array((), "int32", compress=False),
    }


def without_group(
    ids: np.ndarray, similarities: np.ndarray, rows: np.ndarray, group: np.ndarray, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    """Remove candidates of a row's own group and keep the nearest of the others, in order.

    Args:
        ids: candidate rows, nearest first, int [B, k] with k ≥ keep + the size of the largest group.
        similarities: cosines of the candidates, float32 [B, k].
        rows: the rows whose neighbours are sought, int [B].
        group: group of every row of the store, int [M].
        keep: neighbours per row.

    Returns:
        ids [B, keep] and cosines [B, keep].
    """
    own = group[ids] == group[rows][:, None]
    first = np.argsort(own, axis=1, kind="stable")[:, :keep]
    return np.take_along_axis(ids, first, axis=1), np.take_along_axis(similarities, first, axis=1)


def drop_channels(vectors: np.ndarray, rate: float) -> np.ndarray:
    """As released: dropout on pooled vectors float32 [M, C], which are scaled to unit length afterwards."""
    if not rate:
        return vectors
    rng, dropped = np.random.default_rng(0), np.empty(vectors.shape, np.float32)
    for start in range(0, len(vectors), BATCH):  # not at once: the draws take twice the room of the vectors
        some = vectors[start : start + BATCH]
        kept = some * (rng.random(some.shape) >= rate)
        lengths = np.linalg.norm(kept, axis=1, keepdims=True)
        lengths[lengths == 0] = 1  # one that lost all channels stays zero
        dropped[start : start + BATCH] = kept / lengths
    return dropped
