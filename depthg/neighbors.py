"""k-NN: for every crop its nearest crops by the cosine of their pooled features, exactly (STEGO, Sec. 3.3)."""

from pathlib import Path

import faiss
import numpy as np

from depthg.config import NeighborSettings
from depthg.errors import DepthGError
from depthg.progress import track
from depthg.store import Array, Store, Writer

BATCH = 4096


def make_neighbors(features: Path, out: Path, settings: NeighborSettings) -> None:
    """Write `ids` int32 [M, keep] and `similarities` float32 [M, keep], nearest first, self excluded.

    Raises:
        DepthGError: the store has not that many other crops.
    """
    source = Store(features)
    if len(source) <= settings.keep:
        raise DepthGError(
            f"{source.path}: {len(source)} crops, too few for {settings.keep} neighbours each: "
            "add images, or lower `keep` (and `neighbors`) in the settings of the data set"
        )
    pooled = source.read("pooled")
    index = faiss.IndexFlatIP(pooled.shape[1])
    index.add(pooled)
    arrays = {"ids": Array((settings.keep,), "int32"), "similarities": Array((settings.keep,), "float32")}
    writer = Writer(
        out, len(source), arrays, {"settings": settings.model_dump(), "features": source.fingerprint}
    )
    for rows in track(writer.pending(BATCH), -(-len(source) // BATCH), "neighbours", writer.done // BATCH):
        ids, similarities = nearest(index, pooled, np.arange(rows.start, rows.stop), settings.keep)
        writer.write(rows, ids=ids, similarities=similarities)
    writer.finish()


def nearest(
    index: faiss.Index, vectors: np.ndarray, rows: np.ndarray, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `keep` nearest other vectors of some rows: ids [B, keep] and cosines [B, keep].

    Args:
        index: inner-product index over all vectors.
        vectors: unit vectors [M, C].
        rows: the rows asked for [B].
        keep: neighbours a row.
    """
    similarities, ids = index.search(vectors[rows], keep + 1)
    own = ids == rows[:, None]
    own[~own.any(axis=1), -1] = True  # among many exact copies a vector may not find itself
    shape = (len(rows), keep)
    return ids[~own].reshape(shape), similarities[~own].reshape(shape)
