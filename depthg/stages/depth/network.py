"""Base class of depth networks: predicts on crops or whole images, and scales predictions to depth in [0, 1]."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d

from depthg.config.sections import DepthSource
from depthg.data.decode import read_image
from depthg.data.records import ImageRecord
from depthg.errors import DepthGError
from depthg.runtime.device import announce, device, fast_float32
from depthg.stages.depth.source import CropBatch, min_max

LEVELS = 255  # quantisation of maps of whole images, which the released code stores with 8 bits


class Network(ABC):
    """A depth network, applied to each crop separately (Sec. 4.1) or to whole images, whose maps are then cropped.

    Args:
        settings: reads `model`, the weights to load, and `predict_on`: "crop" or "image".
        root, images: not used.

    Raises:
        DepthGError: the model cannot be loaded.
    """

    batch = 10  # crops: two five-cropped images
    title: ClassVar[str]  # name of the network in messages
    nearer: ClassVar[bool]  # whether larger predictions mean nearer

    def __init__(self, settings: DepthSource, root: Path, images: Sequence[ImageRecord]):
        announce(f"{self.title} depth")
        fast_float32()
        self.whole = settings.predict_on == "image"
        self.device = device()
        model = self.open(settings.model)
        self.identity = _weights_hash(model)
        self.model = model.eval().requires_grad_(False).to(self.device)

    @abstractmethod
    def open(self, name: str | None) -> nn.Module:
        """Load the network `name` with its weights; None loads the default one."""

    @abstractmethod
    def raw(self, images: np.ndarray) -> np.ndarray:
        """Raw predictions float32 [B, H, W] for images uint8 [B, H, W, 3]."""

    def predict(self, crops: CropBatch, side: int) -> np.ndarray:
        """Depth of B crops, float32 [B, side, side] in [0, 1], far = 1.

        Raises:
            DepthGError: the prediction for a crop or image is constant or not finite.
        """
        return self._cropped(crops, side) if self.whole else self._on_crops(crops, side)

    def _on_crops(self, crops: CropBatch, side: int) -> np.ndarray:
        """Depth predicted on each crop, scaled to [0, 1] per crop."""
        maps = map(self._far_map, self.raw(crops.images), crops.records)
        return adaptive_avg_pool2d(torch.from_numpy(np.stack(list(maps))), side).float().numpy()

    def _cropped(self, crops: CropBatch, side: int) -> np.ndarray:
        """Depth predicted on whole images, scaled to [0, 1] and rounded down to 8 bits per image, then cropped."""
        maps = self._image_maps({record.id: record for record in crops.records}.values())
        return crops.cut_from(maps, side)

    def _image_maps(self, records: Iterable[ImageRecord]) -> dict[int, np.ndarray]:
        """Depth of images by image id, float64 [H, W] in [0, 1]; images of equal size form one batch."""

        def size(record: ImageRecord) -> tuple[int, int]:
            return record.width, record.height

        maps = {}
        for _, group in groupby(sorted(records, key=size), size):
            same_size = list(group)
            predictions = self.raw(np.stack([read_image(Path(record.path)) for record in same_size]))
            for record, prediction in zip(same_size, predictions, strict=True):
                maps[record.id] = np.floor(LEVELS * self._far_map(prediction, record)) / LEVELS
        return maps

    def _far_map(self, prediction: np.ndarray, record: ImageRecord) -> np.ndarray:
        """A raw prediction [H, W] scaled to float64 in [0, 1], far = 1."""
        scaled = min_max(prediction)
        if scaled is None:
            raise DepthGError(
                f"{record.path}: {self.title} finds the same depth everywhere, or none: check its weights"
            )
        return 1 - scaled if self.nearer else scaled


def _weights_hash(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.contiguous().numpy())
    return digest.hexdigest()
