"""Depth from any network for depth of the transformers library: its image processor and model, by name."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_DEPTH_ESTIMATION_MAPPING,
    AutoConfig,
    AutoImageProcessor,
    AutoModelForDepthEstimation,
    PreTrainedConfig,
    ZoeDepthImageProcessor,
)
from transformers.utils import ModelOutput

from depthg.config.sections import DepthSource
from depthg.data.records import ImageRecord
from depthg.errors import DepthGError
from depthg.runtime.device import send
from depthg.stages.depth.network import Network
from depthg.weights.catalogue import HUB_ID, fetched
from depthg.weights.hub import cached, why_unreachable

# The first fusion layer has no input to fuse, so its first residual layer is unused and absent in published files.
UNUSED = "neck.fusion_stage.layers.0.residual_layer1."
METRES = ("depth_pro", "glpn", "zoedepth")  # model types that answer with metric depth
MEANING = {"relative": "nearer", "metric": "farther"}  # of Depth Anything's `depth_estimation_type`


class Transformers(Network):
    """A network of transformers; its own image processor prepares images and resizes the predictions.

    Args:
        settings: `model`, a hub id or folder; `larger`, what larger predictions mean; `mirrored`, to average over an
            image and its mirror image, as the code of ZoeDepth does; `predict_on`.
        root, images: not used.

    Raises:
        DepthGError: the model cannot be loaded, is not for depth, or its configuration contradicts `larger`.
    """

    def __init__(self, settings: DepthSource, root: Path, images: Sequence[ImageRecord]):
        self.title, self.nearer = str(settings.model), settings.larger == "nearer"
        self.mirrored = settings.mirrored
        super().__init__(settings, root, images)

    def open(self, name: str | None) -> nn.Module:
        """Load the model `name` from a folder, the fetched weights, the hub's local cache or the hub, in this order."""
        name = str(name)
        own = Path(name) if Path(name).is_dir() else None
        if not (own or HUB_ID.fullmatch(name)):
            raise DepthGError(
                f"depth_sources: model: {name} is no folder, nor a hub id (owner/name): correct it"
            )
        try:
            if folder := own or fetched(name):
                return self._read(str(folder))
            if config := cached(name, "config.json"):
                with suppress(OSError):  # the cache lacks other files
                    return self._read(str(config.parent))
            if why := why_unreachable():
                raise OSError(f"it is not on this machine; {why}")
            return self._read(name)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).partition(". ")[0].split())
            raise _unavailable(name, reason, own) from None

    def raw(self, images: np.ndarray) -> Tensor:
        """Raw predictions float32 [B, H, W] for images uint8 [B, H, W, 3], which the device itself prepares."""
        # A ZoeDepth for indoors and outdoors decides once for all that it is shown: else by a crop's neighbours.
        domains = len(getattr(self.model.config, "bin_configurations", ()))
        shown = [images] if domains < 2 else np.array_split(images, len(images))
        return torch.cat([self._predict(some) for some in shown])

    @torch.inference_mode()
    def _predict(self, images: np.ndarray) -> Tensor:
        """The same of images that are shown together."""
        sent = send(torch.from_numpy(images), self.device)
        pixels = self.processor(images=list(sent), return_tensors="pt")["pixel_values"]
        # ZoeDepth's processor adds a border, and removes it if told the images' sizes by this name.
        sizes = "source_sizes" if isinstance(self.processor, ZoeDepthImageProcessor) else "target_sizes"
        try:
            answer = answered(self.model, pixels, self.mirrored, together=self.device.type == "cuda")
            results = self.processor.post_process_depth_estimation(
                answer, **{sizes: [image.shape[:2] for image in images]}
            )
        except ValueError as error:  # some networks accept only square images
            height, width = images.shape[1:3]
            raise DepthGError(
                f"{self.title}: images of {width} × {height} px: {error}: "
                "set predict_on: crop in its entry of depth_sources"
            ) from None
        return torch.stack([result["predicted_depth"] for result in results]).float()

    def _read(self, place: str) -> nn.Module:
        """Load processor and model from a folder or by hub id, without running code that comes with them."""
        local = Path(place).is_dir()
        if local and not (Path(place) / "config.json").is_file():  # transformers would ask the hub
            raise OSError("this folder has no config.json")
        source: dict[str, Any] = {"local_files_only": local, "trust_remote_code": False}
        config = AutoConfig.from_pretrained(place, **source)
        self._check(config)
        self.processor = AutoImageProcessor.from_pretrained(place, **source)
        model, report = AutoModelForDepthEstimation.from_pretrained(
            place, config=config, dtype=torch.float32, output_loading_info=True, **source
        )
        # transformers initialises weights missing from a checkpoint at random and only warns.
        if missing := [key for key in report["missing_keys"] if not key.startswith(UNUSED)]:
            raise RuntimeError(f"{len(missing)} weights are not in its files")
        for key in report["missing_keys"]:
            model.state_dict()[key].zero_()  # random values would change the fingerprint from run to run
        return model

    def _check(self, config: PreTrainedConfig) -> None:
        """Check that a configuration is of a depth network, and does not contradict `larger`."""
        if type(config) not in MODEL_FOR_DEPTH_ESTIMATION_MAPPING:
            known = sorted(of.model_type for of in MODEL_FOR_DEPTH_ESTIMATION_MAPPING)
            raise DepthGError(
                f"{self.title}: a network of type {config.model_type}, not for depth: choose one of type "
                f"{', '.join(known)}"
            )
        told, said = meaning(config), "nearer" if self.nearer else "farther"
        if told not in (None, said):
            raise DepthGError(
                f"{self.title}: larger: {said} contradicts its config.json, by which larger values are {told}: "
                f"set larger: {told} in its entry of depth_sources"
            )


def meaning(config: PreTrainedConfig) -> str | None:
    """What larger predictions of a network mean, "nearer" or "farther"; None if its configuration does not tell."""
    if config.model_type in METRES:
        return "farther"
    return MEANING[config.depth_estimation_type] if config.model_type == "depth_anything" else None


def answered(model: nn.Module, pixels: Tensor, mirrored: bool, together: bool) -> ModelOutput:
    """A network's answer to preprocessed images; its `predicted_depth` is float32 [B, h, w].

    Args:
        model: the network.
        pixels: images float32 [B, 3, h, w].
        mirrored: average predictions over each image and its mirror image.
        together: show both in one batch, or one after the other.
    """
    if not mirrored:
        answer = model(pixels)
        answer.predicted_depth = answer.predicted_depth.float()
        return answer
    both = [pixels, pixels.flip(-1)]
    answers = [model(batch) for batch in ([torch.cat(both)] if together else both)]
    depth, mirror = torch.cat([answer.predicted_depth for answer in answers]).float().chunk(2)
    answers[0].predicted_depth = (depth + mirror.flip(-1)) / 2
    return answers[0]


def _unavailable(name: str, reason: str, own: Path | None) -> DepthGError:
    """The error for a model that cannot be loaded, by hub id or from a folder of the user's `own`."""
    remedy = (
        "put config.json, preprocessor_config.json and model.safetensors of a depth network there"
        if own
        else f"where there is a network, `depthg weights fetch {name}` brings it to resources/weights, which you may "
        "copy here; or name its folder in depth_sources: <name>: model"
    )
    return DepthGError(f"depth network '{name}' cannot be loaded ({reason}): {remedy}")
