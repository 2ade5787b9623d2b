"""Depth networks without their weights: as published, and tiny ones to try the benchmark with."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import nn
from transformers import (
    AutoModelForDepthEstimation,
    BeitConfig,
    DepthAnythingConfig,
    Dinov2Config,
    DPTConfig,
    DPTImageProcessor,
    PreTrainedConfig,
    ZoeDepthConfig,
    ZoeDepthImageProcessor,
)

from depthg.config.sections import DepthSource
from depthg.runtime.device import device
from depthg.stages.depth.transformers import Transformers


class Design(NamedTuple):
    """Architecture of a network, its image processor, and whether it is shown mirror images, too."""

    network: PreTrainedConfig
    processor: Any
    mirrored: bool = False


Designs = dict[str, Design]


def published() -> Designs:
    """As the files that config.yaml names have them; what is not named is the default of transformers."""
    wide: dict[str, Any] = {"neck_hidden_sizes": [256, 512, 1024, 1024], "fusion_hidden_size": 256}
    large: dict[str, Any] = {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
    }
    dpt = DPTConfig(**wide, **large, backbone_out_indices=[5, 11, 17, 23])
    return {
        "ZoeDepth": Design(ZoeDepthConfig(**wide), ZoeDepthImageProcessor(ensure_multiple_of=32), True),
        "MiDaS": Design(dpt, DPTImageProcessor()),
        "Depth Anything": Design(DepthAnythingConfig(), DPTImageProcessor(**_square(518, 14))),
    }


def tiny() -> Designs:
    """Four layers of eight channels."""
    size: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2}
    neck: dict[str, Any] = {"neck_hidden_sizes": [4] * 4, "fusion_hidden_size": 4}
    stages: dict[str, Any] = {
        "out_features": [f"stage{i}" for i in range(1, 5)],
        "reshape_hidden_states": False,
    }
    beit = BeitConfig(**size, **stages, image_size=32, intermediate_size=16, use_relative_position_bias=True)
    dino = Dinov2Config(**size, **stages, image_size=70, mlp_ratio=2)
    small: dict[str, Any] = {"num_relative_features": 4, "bottleneck_features": 4, "bin_embedding_dim": 4}
    zoe = ZoeDepthConfig(backbone_config=beit, **neck, **small)
    dpt = DPTConfig(**size, **neck, image_size=64, intermediate_size=16, backbone_out_indices=[0, 1, 2, 3])
    anything = DepthAnythingConfig(backbone_config=dino, reassemble_hidden_size=8, **neck, head_hidden_size=4)
    return {
        "ZoeDepth": Design(zoe, ZoeDepthImageProcessor(**_square(64, 32)), True),
        "MiDaS": Design(dpt, DPTImageProcessor(**_square(64, 32))),
        "Depth Anything": Design(anything, DPTImageProcessor(**_square(70, 14))),
    }


def untrained(design: Design) -> Transformers:
    """A network of that design with random weights, which do not affect its cost."""

    class Untrained(Transformers):
        def open(self, name: str | None) -> nn.Module:
            self.processor = design.processor
            with device():  # random numbers for 345 million weights take a CPU half a minute
                model: nn.Module = AutoModelForDepthEstimation.from_config(design.network)
            return model.cpu()

    settings = DepthSource(
        source="transformers", model="untrained", larger="nearer", mirrored=design.mirrored
    )
    return Untrained(settings, Path(), [])


def _square(side: int, multiple: int) -> dict[str, Any]:
    size = {"height": side, "width": side}
    return {"size": size, "keep_aspect_ratio": True, "ensure_multiple_of": multiple}
