"""The interface of depth sources: from a batch of crops to their depth."""

from collections.abc import Mapping, Sequence
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
    """A batch of B consecutive crops of a store; their pixels are read only on access."""

    store: Store
    rows: range
    records: Sequence[ImageRecord]  # the image of each crop

    @property
    def images(self) -> np.ndarray:
        """Pixels, uint8 [B, S, S, 3]."""
        return self.store.read("images", self.rows)

    @property
    def boxes(self) -> np.ndarray:
        """Box of each crop: left, top, right, bottom in pixels of its image, float32 [B, 4]."""
        return self.store.read("boxes", self.rows)

    def cut_from(self, maps: Mapping[int, np.ndarray], side: int) -> np.ndarray:
        """Depth of the crops, float32 [B, side, side], cut from `maps`: image id → depth of the image [H, W]."""
        pairs = zip(self.records, self.boxes, strict=True)
        return np.stack([cut(maps[own.id], box, (own.width, own.height), side) for own, box in pairs])


class Source(Protocol):
    """A source of the depth of crops.

    Attributes:
        batch: crops per call of `predict`.
        identity: hash of its weights or files, recorded as provenance.
    """

    batch: int
    identity: str

    def __init__(self, settings: DepthSource, root: Path, images: Sequence[ImageRecord]):
        """Load a network, or find the maps of `images` under the folder `root` of the data set."""

    def predict(self, crops: CropBatch, side: int) -> np.ndarray:
        """Depth of B crops, float32 [B, side, side] in [0, 1], far = 1."""
        ...


def min_max(depth: np.ndarray) -> np.ndarray | None:
    """Scale a map [H, W] to float64 in [0, 1]; None if the map is constant or not finite."""
    depth = depth.astype(np.float64)  # differences of 16-bit integers could overflow
    low, high = depth.min(), depth.max()
    if not np.isfinite([low, high]).all() or low == high:
        return None
    return (depth - low) / (high - low)


def cut(depth: np.ndarray, box: np.ndarray, size: tuple[int, int], side: int) -> np.ndarray:
    """Cut `box`, given in pixels of an image of `size` (width, height), out of its depth map: float32 [side, side]."""
    width, height = depth.shape[::-1]
    stretch = np.tile((width / size[0], height / size[1]), 2)
    # Rounding errors may move the scaled box outside the map, which Pillow rejects.
    left, top, right, bottom = np.clip(box.astype(np.float64) * stretch, 0, (width, height) * 2).tolist()
    image = Image.fromarray(depth.astype(np.float32))
    part = image.resize((side, side), Image.Resampling.BILINEAR, (left, top, right, bottom))
    return np.clip(np.asarray(part), 0, 1)
