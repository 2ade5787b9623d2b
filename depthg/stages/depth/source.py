"""The interface of depth sources: a batch of crops in, their depth out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from depthg.config.sections import DepthSource
from depthg.data.records import ImageRecord
from depthg.store.reader import Store


@dataclass(frozen=True)
class CropBatch:
    """Some crops of a store, their pixels read only when a source looks at them."""

    store: Store
    rows: range
    records: Sequence[ImageRecord]  # the image each crop is part of

    @property
    def images(self) -> np.ndarray:
        """Pixels, uint8 [B, S, S, 3]."""
        return self.store.read("images", self.rows)

    @property
    def boxes(self) -> np.ndarray:
        """What each crop shows: left, top, right, bottom in pixels of its image, float32 [B, 4]."""
        return self.store.read("boxes", self.rows)


class Source(Protocol):
    """A source of the depth of crops.

    Attributes:
        batch: crops it takes at a time.
        identity: hash of what it answers from (weights, files).
    """

    batch: int
    identity: str

    def __init__(self, settings: DepthSource, root: Path, images: Sequence[ImageRecord]):
        """Load a network, or find the maps of `images` under the folder `root` of the data set."""

    def predict(self, crops: CropBatch, side: int) -> np.ndarray:
        """The depth of B crops, float32 [B, side, side] in [0, 1], far = 1."""
        ...


def min_max(depth: np.ndarray) -> np.ndarray | None:
    """A map [H, W] scaled to [0, 1], float64; None when it is constant or not finite."""
    depth = depth.astype(np.float64)  # millimetres in 16 bits must not wrap around
    low, high = depth.min(), depth.max()
    if not np.isfinite([low, high]).all() or low == high:
        return None
    return (depth - low) / (high - low)


def cut(depth: np.ndarray, box: np.ndarray, size: tuple[int, int], side: int) -> np.ndarray:
    """The part of a map that lies under `box` of an image of `size` (width, height); float32 [side, side]."""
    width, height = depth.shape[::-1]
    stretch = np.tile((width / size[0], height / size[1]), 2)
    # The product may pass the border by a rounding error, which Pillow refuses.
    left, top, right, bottom = np.clip(box.astype(np.float64) * stretch, 0, (width, height) * 2).tolist()
    image = Image.fromarray(depth.astype(np.float32))
    part = image.resize((side, side), Image.Resampling.BILINEAR, (left, top, right, bottom))
    return np.clip(np.asarray(part), 0, 1)
