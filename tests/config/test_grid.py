"""The grid of tokens that is foreseen is the one that the backbone makes."""

import pytest

from depthg.config import load_config
from depthg.config.grid import tokens_along
from depthg.config.sections import Backbone
from depthg.errors import DepthGError
from depthg.models.backbones import token_shape

VIT14 = Backbone(
    model="vit_tiny_patch16_224",
    args={"patch_size": 14, "depth": 1, "dynamic_img_size": True},
    weights="none",
)
CNN8 = Backbone(model="resnet18", args={"output_stride": 8}, weights="none")


@pytest.mark.parametrize("backbone", [VIT14, CNN8])
@pytest.mark.parametrize("side", [222, 224, 225, 231, 240])
def test_tokens_of_sides_that_nothing_divides(backbone, side):
    assert tokens_along(side, backbone) == token_shape(backbone, "b", side)[0]


def test_an_unknown_stride_foresees_nothing():
    assert tokens_along(224, Backbone(model="resnet18")) is None


def test_as_many_samples_as_the_backbone_makes_tokens():
    config = load_config(
        {
            "datasets": {"mine": {"settings": {"size": 222, "backbone": "b", "depth": "d"}}},
            "backbones": {"b": VIT14.model_dump()},
            "depth_sources": {"d": {"source": "kbr"}},
            "experiments": {"stego": {}},
        }
    )
    assert config.resolve("mine", "stego+samples=16").samples == 16
    with pytest.raises(DepthGError, match="222 px make 16×16 at 14 px a token: set samples to at most 16"):
        config.resolve("mine", "stego+samples=17")
