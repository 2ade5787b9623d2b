"""The interface of depth sources: from a batch of crops to their depth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

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


class Images(NamedTuple):
    """Images of one size, or what a network made of them, and whose they are."""

    records: Sequence[ImageRecord]
    values: Any  # uint8 [B, H, W, 3] to look at; float32 [B, H, W] predicted, on the network's device


class Source(Protocol):
    """A source of the depth of crops: `read`, `compute` and `scale` in this order make the depth of a batch.

    They run in three threads, so that reading the next batch and writing the last one overlap with computing.

    Attributes:
        unit: crops that are computed together on a CPU; parts of a store begin at its multiples.
        batch: crops of a batch: `unit`, or what fills a card.
        precision: dtype of the computation, "float32" or "float16".
        identity: hash of its weights or files, recorded as provenance.
    """

    unit: int
    batch: int
    precision: str
    identity: str

    def __init__(self, settings: DepthSource, root: Path, images: Sequence[ImageRecord]):
        """Load a network, or find the maps of `images` under the folder `root` of the data set."""

    def adapt(self, crops: CropBatch, precision: str | None) -> None:
        """Choose `precision`, unless it is given, and `batch` by a trial on some crops."""

    def read(self, crops: CropBatch) -> Any:
        """What the depth of B crops is made from, in the memory of the CPU."""
        ...

    def compute(self, given: Any) -> Any:
        """Predictions from what `read` returned; a GPU may still be at work on them."""
        ...

    def scale(self, crops: CropBatch, computed: Any, side: int) -> np.ndarray:
        """Depth of the crops from what `compute` returned, float32 [B, side, side] in [0, 1], far = 1."""
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
