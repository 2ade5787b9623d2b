"""Tiny networks of random weights, one of every family of depth networks that was tried, saved as on the hub."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import (
    AutoImageProcessor,
    BeitConfig,
    BitConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    DepthProImageProcessor,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessor,
    GLPNConfig,
    GLPNForDepthEstimation,
    GLPNImageProcessor,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
    ZoeDepthImageProcessor,
)

LAYERS: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2}
STAGES: dict[str, Any] = {"out_features": [f"stage{i}" for i in range(1, 5)], "reshape_hidden_states": False}
NECK: dict[str, Any] = {"neck_hidden_sizes": [4] * 4, "fusion_hidden_size": 4}
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
MIDAS_PROCESSOR = {  # as in the repositories of Intel, which are older than today's names
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "DPTFeatureExtractor",
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "size": 64,
}


class Family(NamedTuple):
    """A kind of depth network: its class and configuration, its processor, and how predictions are to be read."""

    model: Any
    config: Callable[[], Any]
    processor: Callable[[], Any] | None  # None: MIDAS_PROCESSOR
    larger: str
    lift: Callable[[Any], object] = lambda model: (
        None
    )  # keeps predictions above 0, where a last ReLU would cut


def _dpt(**changes: Any) -> DPTConfig:
    size = {"intermediate_size": 16, "image_size": 64, "backbone_out_indices": [0, 1, 2, 3]}
    return DPTConfig(**LAYERS | NECK | size | changes)


def _hybrid() -> DPTConfig:
    bit = BitConfig(
        embedding_size=8,
        num_groups=4,
        hidden_sizes=[32, 32, 32],
        depths=[1, 1, 1],
        layer_type="bottleneck",
        global_padding="same",
        embedding_dynamic_padding=True,
        out_features=["stage1", "stage2", "stage3"],
    )
    return _dpt(
        is_hybrid=True,
        backbone_config=bit,
        backbone_featmap_shape=[1, 32, 4, 4],
        neck_hidden_sizes=[32, 32, 4, 4],
        readout_type="project",
    )


def _depth_anything(**changes: Any) -> DepthAnythingConfig:
    dino = Dinov2Config(**LAYERS, **STAGES, mlp_ratio=2, image_size=70, patch_size=14)
    size = {"patch_size": 14, "reassemble_hidden_size": 8, "head_hidden_size": 4}
    return DepthAnythingConfig(backbone_config=dino, **size, **NECK, **changes)


def _zoedepth() -> ZoeDepthConfig:
    beit = BeitConfig(
        **LAYERS, **STAGES, image_size=32, intermediate_size=16, use_relative_position_bias=True
    )
    return ZoeDepthConfig(
        backbone_config=beit,
        **NECK,
        num_relative_features=4,
        bottleneck_features=4,
        bin_embedding_dim=4,
        num_attractors=[2, 2, 2, 1],
        bin_configurations=[{"n_bins": 4, "min_depth": 0.001, "max_depth": 10.0}],
    )


def _glpn() -> GLPNConfig:
    return GLPNConfig(
        hidden_sizes=[4, 4, 8, 8],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        mlp_ratios=[2, 2, 2, 2],
        decoder_hidden_size=4,
    )


def _depth_pro() -> DepthProConfig:
    dino = {
        "model_type": "dinov2",
        "num_hidden_layers": 2,
        "hidden_size": 16,
        "num_attention_heads": 1,
        "patch_size": 4,
        "image_size": 16,
    }
    return DepthProConfig(
        patch_size=16,
        fusion_hidden_size=16,
        intermediate_hook_ids=[0],
        intermediate_feature_dims=[8],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.2],
        scaled_images_feature_dims=[12, 12],
        image_model_config=dino,
        patch_model_config=dino,
        fov_model_config=dino,
        use_fov_model=True,
    )


def _lift_depth_pro(model: DepthProForDepthEstimation) -> None:
    """Inverse depths around 2, within the bounds that its processor keeps, and 60 degrees of view."""
    model.head.layers[-2].weight.mul_(1e-5)
    model.head.layers[-2].bias.fill_(2)
    model.fov_model.head.layers[-1].bias.fill_(60)


def _square(side: int) -> dict[str, Any]:
    return {"size": {"height": side, "width": side}}


def _anything_processor() -> DPTImageProcessor:
    return DPTImageProcessor(**_square(70), keep_aspect_ratio=True, ensure_multiple_of=14, **IMAGENET)


FAMILIES = {
    "dpt": Family(
        DPTForDepthEstimation, _dpt, None, "nearer", lambda model: model.head.head[-2].bias.fill_(1e4)
    ),
    "dpt_hybrid": Family(
        DPTForDepthEstimation, _hybrid, None, "nearer", lambda model: model.head.head[-2].bias.fill_(1e4)
    ),
    "depth_anything": Family(
        DepthAnythingForDepthEstimation,
        _depth_anything,
        _anything_processor,
        "nearer",
        lambda model: model.head.conv3.bias.fill_(1e4),
    ),
    "depth_anything_metric": Family(
        DepthAnythingForDepthEstimation,
        lambda: _depth_anything(depth_estimation_type="metric", max_depth=20),
        _anything_processor,
        "farther",
    ),
    "glpn": Family(GLPNForDepthEstimation, _glpn, GLPNImageProcessor, "farther"),
    "depth_pro": Family(
        DepthProForDepthEstimation,
        _depth_pro,
        lambda: DepthProImageProcessor(**_square(64)),
        "farther",
        _lift_depth_pro,
    ),
    "zoedepth": Family(
        ZoeDepthForDepthEstimation,
        _zoedepth,
        lambda: ZoeDepthImageProcessor(**_square(64), ensure_multiple_of=32),
        "farther",
    ),
}


def save(name: str, path: Path) -> Path:
    """Save the miniature of a family with its processor as a model folder."""
    family = FAMILIES[name]
    torch.manual_seed(0)
    model = family.model(family.config())
    with torch.no_grad():  # large weights, so that the depth varies
        for values in model.parameters():
            values.copy_(0.3 * torch.randn_like(values))
        family.lift(model)
    model.save_pretrained(path)
    if family.processor:
        family.processor().save_pretrained(path)
    else:
        (path / "preprocessor_config.json").write_text(json.dumps(MIDAS_PROCESSOR))
    return path


def predicted(name: str, folder: Path, images: Any) -> Any:
    """What the library itself predicts for images uint8 [B, H, W, 3] one after the other: float64 [B, H, W]."""
    processor, model = (
        AutoImageProcessor.from_pretrained(folder),
        FAMILIES[name].model.from_pretrained(folder),
    )
    key = "source_sizes" if name == "zoedepth" else "target_sizes"
    maps = []
    for image in images:
        with torch.inference_mode():
            answer = model(**processor(images=[image], return_tensors="pt"))
        (result,) = processor.post_process_depth_estimation(answer, **{key: [image.shape[:2]]})
        maps.append(result["predicted_depth"])
    return torch.stack(maps).double().numpy()
