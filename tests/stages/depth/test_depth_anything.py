"""Depth Anything on a tiny network of random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTImageProcessor,
)

from depthg.config.sections import DepthSource
from depthg.stages.depth.depth_anything import DepthAnything


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A local model folder: DINOv2 of four layers of eight channels under a small decoder."""
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=8,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=70,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=14,
        reassemble_hidden_size=8,
        neck_hidden_sizes=[4, 4, 4, 4],
        fusion_hidden_size=4,
        head_hidden_size=4,
    )
    model = DepthAnythingForDepthEstimation(config)
    with torch.no_grad():  # large weights, so that the depth varies
        for values in model.parameters():
            values.copy_(0.3 * torch.randn_like(values))
        model.head.conv3.bias.fill_(1e4)  # the last ReLU must not cut
    path = tmp_path_factory.mktemp("depth_anything")
    model.save_pretrained(path)
    DPTImageProcessor(
        size={"height": 70, "width": 70},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(path)
    return path


def _inverse(folder: Path, images: np.ndarray) -> np.ndarray:
    """The network's own answer, by hand: float64 [B, 64, 64]."""
    pixels = DPTImageProcessor.from_pretrained(folder)(images=list(images), return_tensors="pt")[
        "pixel_values"
    ]
    assert pixels.shape == (len(images), 3, 70, 70)
    with torch.inference_mode():
        answer = DepthAnythingForDepthEstimation.from_pretrained(folder)(pixels).predicted_depth[:, None]
        return (
            torch.nn.functional.interpolate(answer, size=images.shape[1:3], mode="bicubic")[:, 0]
            .double()
            .numpy()
        )


def test_near_is_0_and_far_is_1(folder, photographs, depth_of, far):
    depth = depth_of(DepthSource(source="depth_anything", model=str(folder)))
    np.testing.assert_allclose(depth, far(_inverse(folder, photographs)), atol=2e-3)


def test_whole_images_keep_their_shape(folder, photographs):
    network = DepthAnything(DepthSource(source="depth_anything", model=str(folder)), Path(), [])
    assert network.raw(photographs[:, :40]).shape == (2, 40, 64)


def test_weights_in_float16_draw_a_like_map(folder, half_error):
    network = DepthAnything(DepthSource(source="depth_anything", model=str(folder)), Path(), [])
    assert (
        0.05 < half_error(network) <= 1
    )  # 10,000, about which this network's answers lie, is 8 from the next float16
    network.model.head.conv3.bias.fill_(100)
    assert 0 < half_error(network) < 0.05
