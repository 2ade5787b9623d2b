"""Depth from ZoeDepth, a network for metric depth (Bhat et al., 2023), by way of transformers."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch.nn.functional import adaptive_avg_pool2d
from transformers import ZoeDepthForDepthEstimation, ZoeDepthImageProcessor

from depthg.config import DepthSource
from depthg.datasets.base import ImageRecord
from depthg.depth.base import CropBatch, min_max
from depthg.errors import DepthGError

DEFAULT_MODEL = "Intel/zoedepth-nyu"


class ZoeDepth:
    """ZoeDepth run on each crop by itself: metres, averaged over the crop and its mirror image.

    Raises:
        DepthGError: the model cannot be loaded.
    """

    batch = 8

    def __init__(self, settings: DepthSource, root: Path, images: Sequence[ImageRecord]):
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.processor, model = _load(settings.model or DEFAULT_MODEL)
        self.identity = _weights_hash(model)
        self.model = model.eval().to(self.device)

    def predict(self, crops: CropBatch, side: int) -> np.ndarray:
        """Depth scaled to [0, 1] crop by crop, float32 [B, side, side] in [0, 1], far = 1.

        Raises:
            DepthGError: the network sees no depth in a crop.
        """
        maps = []
        for depth, record in zip(self.metres(crops.images), crops.records, strict=True):
            scaled = min_max(depth)
            if scaled is None:
                raise DepthGError(
                    f"{record.path}: ZoeDepth finds the same depth everywhere: check its weights"
                )
            maps.append(scaled)
        return adaptive_avg_pool2d(torch.from_numpy(np.stack(maps)), side).float().numpy()

    @torch.inference_mode()
    def metres(self, images: np.ndarray) -> np.ndarray:
        """The depth of images uint8 [B, S, S, 3], float32 [B, S, S], larger = farther."""
        pixels = self.processor(images=list(images), return_tensors="pt")["pixel_values"].to(self.device)
        results: Any = self.processor.post_process_depth_estimation(
            self.model(pixels),
            source_sizes=[image.shape[:2] for image in images],
            outputs_flipped=self.model(pixels.flip(-1)),
        )
        return torch.stack([result["predicted_depth"] for result in results]).float().cpu().numpy()


def _load(name: str) -> tuple[ZoeDepthImageProcessor, ZoeDepthForDepthEstimation]:
    """Processor and model from a folder, or from the hub's cache on this machine, or from the hub."""
    folder, reason = Path(name), ""
    if folder.is_dir() and not (folder / "config.json").is_file():  # transformers would take its own defaults
        raise _unavailable(name, "this folder has no config.json")
    for local_files_only in [True] if folder.is_dir() else [True, False]:
        try:
            return _read(name, local_files_only)
        except OSError as error:
            reason = str(error).partition(". ")[0]
    raise _unavailable(name, reason)


def _read(name: str, local_files_only: bool) -> tuple[ZoeDepthImageProcessor, ZoeDepthForDepthEstimation]:
    processor = ZoeDepthImageProcessor.from_pretrained(name, local_files_only=local_files_only)
    try:
        loaded: Any = ZoeDepthForDepthEstimation.from_pretrained(
            name, local_files_only=local_files_only, output_loading_info=True
        )
    except (ValueError, RuntimeError, SafetensorError) as error:
        raise _unavailable(name, " ".join(str(error).split())) from error
    model, report = loaded
    # transformers fills what a checkpoint lacks with random numbers, and only warns.
    if report["missing_keys"]:
        raise _unavailable(name, f"{len(report['missing_keys'])} weights are not in its files")
    return processor, model


def _unavailable(name: str, reason: str) -> DepthGError:
    return DepthGError(
        f"ZoeDepth '{name}' cannot be loaded ({reason}): fetch it where there is a network with "
        f"`hf download {DEFAULT_MODEL} --local-dir <folder>` and name that folder in "
        "depth_sources.<source: zoedepth>.model; HF_HUB_OFFLINE=1 keeps from asking the hub"
    )


def _weights_hash(model: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.numpy())
    return digest.hexdigest()
