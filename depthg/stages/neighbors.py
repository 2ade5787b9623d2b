"""k-NN: for every crop its nearest crops by the cosine of their pooled features, exactly (STEGO, Sec. 3.3)."""

from pathlib import Path

import faiss
import numpy as np

from depthg.config.settings import NeighborSettings
from depthg.errors import DepthGError
from depthg.runtime.progress import track
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

BATCH = 4096


def make_neighbors(features: Path, crops: Path, out: Path, settings: NeighborSettings) -> None:
    """Write `ids` int32 [M, keep], `similarities` float32 [M, keep], nearest first, self excluded, and the
    `image` int32 [M] that each crop is part of.

    Args:
        features: store with `pooled` unit vectors [M, C].
        crops: the crops it was made from.
        out: store to write.
        settings: what counts as a neighbour.

    Raises:
        DepthGError: the store has not that many other crops.
    """
    source, cut = Store(features), Store(crops)
    source.expect(crops=cut)
    image = cut.read("image")
    # A crop's own group is left out: itself, or with it all crops of its image.
    group: np.ndarray = np.arange(len(source)) if settings.siblings else image
    largest = int(np.unique(group, return_counts=True)[1].max())
    if len(source) < settings.keep + largest:
        raise DepthGError(
            f"{source.path}: {len(source)} crops, too few for {settings.keep} neighbours each: "
            "add images, or lower `keep` (and `neighbors`) in the settings of the data set"
        )
    pooled = drop_channels(source.read("pooled"), settings.pooled_dropout)
    index = faiss.IndexFlatIP(pooled.shape[1])
    index.add(pooled)
    origin = {"settings": settings.model_dump(), "features": source.fingerprint, "crops": cut.fingerprint}
    writer = Writer(out, len(source), neighbor_arrays(settings), origin)
    for rows in track(writer.pending(BATCH), -(-len(source) // BATCH), "neighbours", writer.done // BATCH):
        chosen = np.arange(rows.start, rows.stop)
        similarities, ids = index.search(pooled[chosen], settings.keep + largest)
        ids, similarities = without_group(ids, similarities, chosen, group, settings.keep)
        writer.write(rows, ids=ids, similarities=similarities, image=image[chosen])
    writer.finish()


def neighbor_arrays(settings: NeighborSettings) -> dict[str, Array]:
    """The arrays of a store of neighbours; raw, as training draws rows at random."""
    return {
        "ids": Array((settings.keep,), "int32", compress=False),
        "similarities": Array((settings.keep,), "float32", compress=False),
        "image": Array((), "int32", compress=False),
    }


def without_group(
    ids: np.ndarray, similarities: np.ndarray, rows: np.ndarray, group: np.ndarray, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest that are not of a row's own group, in order.

    Args:
        ids: nearest rows first [B, k], k ≥ keep + the size of any group.
        similarities: their cosines [B, k].
        rows: whose neighbours these are [B].
        group: of every row [M].
        keep: neighbours a row.

    Returns:
        ids [B, keep] and cosines [B, keep].
    """
    own = group[ids] == group[rows][:, None]
    first = np.argsort(own, axis=1, kind="stable")[:, :keep]
    return np.take_along_axis(ids, first, axis=1), np.take_along_axis(similarities, first, axis=1)


def drop_channels(vectors: np.ndarray, rate: float) -> np.ndarray:
    """As released: channels silenced at random in each vector [M, C], the rest scaled to unit length again."""
    if not rate:
        return vectors
    kept = vectors * (np.random.default_rng(0).random(vectors.shape) >= rate)
    return (kept / np.linalg.norm(kept, axis=1, keepdims=True)).astype(np.float32)
