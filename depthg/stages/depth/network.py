"""Base class of depth networks: predicts on crops or whole images, and scales predictions to depth in [0, 1]."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from depthg.config.sections import DepthSource
from depthg.data.decode import read_image
from depthg.data.records import ImageRecord
from depthg.errors import DepthGError
from depthg.runtime.device import announce, device, exact_float32, fast_float32
from depthg.runtime.progress import info
from depthg.stages.depth.precision import HALF_STEP, map_error, precision_for
from depthg.stages.depth.source import CropBatch, Images, min_max
from depthg.stages.pipeline import fitting_rows, working_rows

LARGEST = 64  # crops in a batch on a GPU: more are no faster, and a kill would lose them
LEVELS = 255  # quantisation of maps of whole images, which the released code stores with 8 bits


class Network(ABC):
    """A depth network, applied to each crop separately (Sec. 4.1) or to whole images, whose maps are then cropped.

    Args:
        settings: reads `model`, the weights to load, and `predict_on`: "crop" or "image".
        root, images: not used.

    Raises:
        DepthGError: the model cannot be loaded.
    """

    unit = 10  # crops: two five-cropped images
    batch = unit
    precision = "float32"
    title: str  # name of the network in messages
    nearer: bool  # whether larger predictions mean nearer

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
    def raw(self, images: np.ndarray) -> Tensor:
        """Raw predictions float32 [B, H, W], on the network's device, for images uint8 [B, H, W, 3]."""

    def adapt(self, crops: CropBatch, precision: str | None) -> None:
        """On a GPU, choose float16 if it is precise enough, and how many crops fit; the CPU has float32 and `unit`.

        Args:
            crops: crops to try both on.
            precision: that of a store to be continued; None chooses.
        """
        on_gpu = self.device.type == "cuda"
        if not on_gpu and precision != "float16":
            return
        sample, why = self.read(crops)[0].values, ""
        if precision is None:
            error = self._float16_error(sample)
            precision = precision_for(error)
            why = f" (float16 is off by {error:.5f} of the range of depth, {HALF_STEP:.5f} is allowed)"
        if precision == "float16":
            self.model, self.precision = self.model.half(), precision
        if on_gpu and not self.whole:  # whole images differ in size
            fitting = fitting_rows(lambda: self._predicted(sample), len(sample), self.device, 1, LARGEST)
            self.batch = working_rows(lambda rows: self._predicted(_repeated(sample, rows)), fitting)
        info(f"{self.title} depth: {self.precision}{why}, {self.batch} crops a batch")

    def read(self, crops: CropBatch) -> list[Images]:
        """The pixels of crops, or of their whole images, those of one size together."""
        if not self.whole:
            return [Images(crops.records, crops.images)]
        records = {record.id: record for record in crops.records}.values()
        groups = [list(group) for _, group in groupby(sorted(records, key=_size), _size)]
        return [Images(same, np.stack([read_image(Path(of.path)) for of in same])) for same in groups]

    def compute(self, given: list[Images]) -> list[Images]:
        """Raw predictions for the pixels."""
        return [images._replace(values=self._predicted(images.values)) for images in given]

    def scale(self, crops: CropBatch, computed: list[Images], side: int) -> np.ndarray:
        """Depth of B crops, float32 [B, side, side] in [0, 1], far = 1.

        Raises:
            DepthGError: the prediction for a crop or image is constant or not finite.
        """
        maps = [
            (record, self._far_map(prediction, record))
            for images in computed
            for record, prediction in zip(images.records, images.values.cpu().numpy(), strict=True)
        ]
        if self.whole:
            return crops.cut_from({record.id: _byte_steps(far) for record, far in maps}, side)
        return adaptive_avg_pool2d(torch.from_numpy(np.stack([far for _, far in maps])), side).float().numpy()

    @torch.inference_mode()
    def _predicted(self, images: np.ndarray) -> Tensor:
        """Raw predictions in the chosen precision; with float16 weights, autocast keeps sums and logarithms exact."""
        with torch.autocast(self.device.type, torch.float16, enabled=self.precision == "float16"):
            return self.raw(images)

    def _float16_error(self, sample: np.ndarray) -> float:
        """The largest error of the float16 maps of images uint8 [B, H, W, 3], scaled to [0, 1]."""
        with exact_float32():
            exact = self._predicted(sample)
        full = self.model
        self.model, self.precision = deepcopy(full).half(), "float16"
        maps = self._predicted(sample)
        self.model, self.precision = full, "float32"
        return map_error(maps.cpu().numpy(), exact.cpu().numpy())

    def _far_map(self, prediction: np.ndarray, record: ImageRecord) -> np.ndarray:
        """A raw prediction [H, W] scaled to float64 in [0, 1], far = 1."""
        scaled = min_max(prediction)
        if scaled is None:
            raise DepthGError(
                f"{record.path}: {self.title} finds the same depth everywhere, or none: check its weights"
            )
        return 1 - scaled if self.nearer else scaled


def _repeated(sample: np.ndarray, rows: int) -> np.ndarray:
    """As many rows [rows, …], from some [B, …]."""
    return np.resize(sample, (rows, *sample.shape[1:]))


def _size(record: ImageRecord) -> tuple[int, int]:
    return record.width, record.height


def _byte_steps(depth: np.ndarray) -> np.ndarray:
    """Depth [H, W] in [0, 1], rounded down to 8 bits."""
    return np.floor(LEVELS * depth) / LEVELS


def _weights_hash(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.contiguous().numpy())
    return digest.hexdigest()
