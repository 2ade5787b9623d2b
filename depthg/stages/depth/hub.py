"""Depth networks of the transformers library: an image processor and a model, from local files or the hub."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers.modeling_outputs import DepthEstimatorOutput

from depthg.errors import DepthGError
from depthg.runtime.device import send
from depthg.stages.depth.network import Network
from depthg.weights.catalogue import fetched

# The first fusion layer has no input to fuse, so its first residual layer is unused and absent in published files.
UNUSED = "neck.fusion_stage.layers.0.residual_layer1."


class HubNetwork(Network):
    """A network of transformers; its own image processor does preprocessing and resizes the predictions."""

    processor_class: ClassVar[Any]
    model_class: ClassVar[Any]
    default: ClassVar[str]  # id on the hub of the default weights

    def open(self, name: str | None) -> nn.Module:
        """Load the model `name` from a folder, the fetched weights, the hub's local cache or the hub, in this order."""
        name = name or self.default
        place = Path(name) if Path(name).is_dir() else fetched(name)
        if place and not (place / "config.json").is_file():  # transformers would assume default settings
            raise self._unavailable(name, "this folder has no config.json")
        reason = ""
        for local_files_only in [True] if place else [True, False]:
            try:
                self.processor, model = self._read(str(place or name), local_files_only)
                return model
            except (OSError, ValueError, RuntimeError, SafetensorError) as error:
                reason = " ".join(str(error).partition(". ")[0].split())
        raise self._unavailable(name, reason)

    @torch.inference_mode()
    def raw(self, images: np.ndarray) -> Tensor:
        """Raw predictions float32 [B, H, W] for images uint8 [B, H, W, 3], which the device itself prepares."""
        sent = send(torch.from_numpy(images), self.device)
        pixels = self.processor(images=list(sent), return_tensors="pt")["pixel_values"]
        try:
            results = self.postprocess(self.predicted(pixels), [image.shape[:2] for image in images])
        except ValueError as error:  # some networks accept only square images
            height, width = images.shape[1:3]
            raise DepthGError(
                f"{self.title}: images of {width} × {height} px: {error}: "
                "set predict_on: crop in its entry of depth_sources"
            ) from None
        return torch.stack([result["predicted_depth"] for result in results]).float()

    def predicted(self, pixels: Tensor) -> Tensor:
        """The network's answer float32 [B, h, w] for preprocessed `pixels` [B, 3, h, w]."""
        return self.model(pixels).predicted_depth.float()

    def postprocess(self, depth: Tensor, sizes: list[tuple[int, ...]]) -> list[dict[str, Any]]:
        """Predictions [B, h, w] resized by the processor to the images' `sizes` (height, width)."""
        answer = DepthEstimatorOutput(predicted_depth=depth)
        return self.processor.post_process_depth_estimation(answer, target_sizes=sizes)

    def _read(self, name: str, local_files_only: bool) -> tuple[Any, nn.Module]:
        processor = self.processor_class.from_pretrained(name, local_files_only=local_files_only)
        model, report = self.model_class.from_pretrained(
            name, local_files_only=local_files_only, output_loading_info=True
        )
        # transformers initialises weights missing from a checkpoint at random and only warns.
        if missing := [key for key in report["missing_keys"] if not key.startswith(UNUSED)]:
            raise ValueError(f"{len(missing)} weights are not in its files")
        for key in report["missing_keys"]:
            model.state_dict()[key].zero_()  # random values would change the fingerprint from run to run
        return processor, model

    def _unavailable(self, name: str, reason: str) -> DepthGError:
        return DepthGError(
            f"{self.title} '{name}' cannot be loaded ({reason}): where there is a network, "
            f"`depthg weights fetch {self.default}` brings it to resources/weights, which you may copy here; or "
            "name its folder in depth_sources: <name>: model; HF_HUB_OFFLINE=1 keeps from asking the hub"
        )
