"""What entries of config.yaml know of themselves, against the libraries that they name."""

import pytest
import timm
import torch
from timm.models.vision_transformer import Attention

from depthg.config.sections import Backbone


def test_the_names_of_backbones_with_attention():
    for model in (
        "vit_small_patch8_224.dino",
        "vit_base_patch14_dinov2.lvd142m",
        "vit_small_patch14_reg4_dinov2",
    ):
        assert Backbone(model=model).has_attention
    for model in ("resnet50", "beit_base_patch16_224", "vit_small_patch16_dinov3.lvd1689m"):
        assert not Backbone(model=model).has_attention
    assert not Backbone(of="dino_vits8", channels=64).has_attention


@pytest.mark.slow
def test_names_tell_as_much_as_every_vision_transformer_of_timm():
    for model in timm.list_models("vit_*"):
        with torch.device("meta"):
            blocks = timm.create_model(model, num_classes=0).blocks
        plain = type(getattr(blocks[-1], "attn", None)) is Attention
        assert Backbone(model=model).has_attention == plain, model
