"""Depth networks without their weights: as published, and tiny ones to try the benchmark with."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import nn
from transformers import (
    BeitConfig,
    DepthAnythingConfig,
    Dinov2Config,
    DPTConfig,
    PreTrainedConfig,
    ZoeDepthConfig,
)

from depthg.config.sections import DepthSource
from depthg.stages.depth.depth_anything import DepthAnything
from depthg.stages.depth.hub import HubNetwork
from depthg.stages.depth.midas import Midas
from depthg.stages.depth.zoedepth import ZoeDepth


class Design(NamedTuple):
    """Architecture of a network, and arguments of its image processor."""

    network: PreTrainedConfig
    inputs: dict[str, Any]


Designs = dict[type[HubNetwork], Design]


def published() -> Designs:
    """As the default files of each network have them; what is not named is the default of transformers."""
    wide: dict[str, Any] = {"neck_hidden_sizes": [256, 512, 1024, 1024], "fusion_hidden_size": 256}
    large: dict[str, Any] = {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
    }
    return {
        ZoeDepth: Design(ZoeDepthConfig(**wide), {"ensure_multiple_of": 32}),
        Midas: Design(
            DPTConfig(**wide, **large, intermediate_size=4096, backbone_out_indices=[5, 11, 17, 23]), {}
        ),
        DepthAnything: Design(DepthAnythingConfig(), _square(518, 14)),
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
    dpt = DPTConfig(**size, **neck, image_size=64, intermediate_size=16, backbone_out_indices=[0, 1, 2, 3])
    anything = DepthAnythingConfig(backbone_config=dino, reassemble_hidden_size=8, **neck, head_hidden_size=4)
    return {
        ZoeDepth: Design(ZoeDepthConfig(backbone_config=beit, **neck, **small), _square(64, 32)),
        Midas: Design(dpt, _square(64, 32)),
        DepthAnything: Design(anything, _square(70, 14)),
    }


def untrained(kind: type[HubNetwork], design: Design) -> HubNetwork:
    """A network of that design with random weights, which do not affect its cost."""

    def open_(self: HubNetwork, name: str | None) -> nn.Module:
        self.processor = self.processor_class(**design.inputs)
        return self.model_class(design.network)

    made: type[HubNetwork] = type(kind.__name__, (kind,), {"open": open_})
    return made(DepthSource(source=kind.__name__), Path(), [])


def _square(side: int, multiple: int) -> dict[str, Any]:
    size = {"height": side, "width": side}
    return {"size": size, "keep_aspect_ratio": True, "ensure_multiple_of": multiple}
