"""The backbone of the benchmarks: a ViT-S/8 with random weights, which do not affect its cost."""

from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from safetensors.torch import save_file

from benchmarks.measure import Work
from depthg.config.sections import Backbone
from depthg.models.backbones import DenseBackbone
from depthg.models.precision import choose_precision
from depthg.runtime.device import device
from depthg.stages.features import dense_features

MODEL = "vit_small_patch8_224"
SIDE = 224  # pixels
ARGS: dict[str, Any] = {"dynamic_img_size": True}


def backbone_file(path: Path) -> Backbone:
    """Write random weights, and a configuration that refers to them."""
    torch.manual_seed(0)
    net = timm.create_model(MODEL, num_classes=0, **ARGS)
    save_file(net.state_dict(), path)
    return Backbone(model=MODEL, args=ARGS, weights=str(path))


def forward_of(crops: int, side: int = SIDE) -> Work:
    """The bare forward pass of a number of crops of a side in pixels."""
    backbone = DenseBackbone(Backbone(model=MODEL, args=ARGS), untrained=True).to(device())
    images = torch.from_numpy(photographs(crops, side)).to(device())
    backbone.in_precision(choose_precision(device()))
    return lambda: dense_features(backbone, images).cpu()


def photographs(crops: int, side: int = SIDE) -> np.ndarray:
    """Random images uint8 [crops, side, side, 3]."""
    return np.random.default_rng(0).integers(0, 256, (crops, side, side, 3), dtype=np.uint8)
