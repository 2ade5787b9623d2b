"""What depth networks share: which images they see, and how their predictions become depth in [0, 1]."""

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
from depthg.stages.depth.source import CropBatch, cut, min_max

LEVELS = 255  # of an 8-bit map, as the released code keeps those of whole images


class Network(ABC):
    """A network run on each crop by itself (Sec. 4.1), or on whole images whose maps are then cropped.

    Args:
        settings: `model` is what to load, `predict_on` what to show it.
        root: not used; networks need nothing of the data set's.
        images: not used.

    Raises:
        DepthGError: the model cannot be loaded.
    """

    batch = 10  # crops: two five-cropped images
    title: ClassVar[str]  # its name in messages
    nearer: ClassVar[bool]  # whether a larger answer means nearer

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
        """The network called `name`, or the usual one, with its weights."""

    @abstractmethod
    def raw(self, images: np.ndarray) -> np.ndarray:
        """The network's answer to photographs uint8 [B, H, W, 3]: float32 [B, H, W]."""

    def predict(self, crops: CropBatch, side: int) -> np.ndarray:
        """The depth of B crops, float32 [B, side, side] in [0, 1], far = 1.

        Raises:
            DepthGError: the network sees no depth in a crop or image.
        """
        return self._cropped(crops, side) if self.whole else self._on_crops(crops, side)

    def _on_crops(self, crops: CropBatch, side: int) -> np.ndarray:
        """Each crop's own depth, scaled to [0, 1] crop by crop."""
        maps = map(self._far_map, self.raw(crops.images), crops.records)
        return adaptive_avg_pool2d(torch.from_numpy(np.stack(list(maps))), side).float().numpy()

    def _cropped(self, crops: CropBatch, side: int) -> np.ndarray:
        """The crops' parts of their images' depth, scaled to [0, 1] and rounded down to 8 bits image by image."""
        maps = self._image_maps({record.id: record for record in crops.records}.values())
        parts = [
            cut(maps[record.id], box, (record.width, record.height), side)
            for record, box in zip(crops.records, crops.boxes, strict=True)
        ]
        return np.stack(parts)

    def _image_maps(self, records: Iterable[ImageRecord]) -> dict[int, np.ndarray]:
        """Image id → its depth, float64 [H, W] in [0, 1]; images of one size are predicted together."""

        def size(record: ImageRecord) -> tuple[int, int]:
            return record.width, record.height

        maps = {}
        for _, group in groupby(sorted(records, key=size), size):
            alike = list(group)
            answers = self.raw(np.stack([read_image(Path(record.path)) for record in alike]))
            for record, answer in zip(alike, answers, strict=True):
                maps[record.id] = np.floor(LEVELS * self._far_map(answer, record)) / LEVELS
        return maps

    def _far_map(self, answer: np.ndarray, record: ImageRecord) -> np.ndarray:
        """An answer [H, W] scaled to [0, 1], far = 1, float64."""
        scaled = min_max(answer)
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
