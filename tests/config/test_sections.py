"""What entries of config.yaml know of themselves, against the libraries that they name."""

import pytest
import timm
import torch
import yaml
from timm.models.vision_transformer import Attention

from depthg.config import load_config
from depthg.config.sections import Backbone, DepthSource
from depthg.errors import DepthGError


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


@pytest.mark.parametrize(
    ("source", "key", "values"),
    [
        ({"source": "files", "larger": "farther"}, "name", "the folder under <root>/depth"),
        ({"source": "files", "name": "lidar"}, "larger", "farther or nearer"),
        ({"source": "transformers", "model": "a/b"}, "larger", "farther or nearer"),
        ({"source": "transformers", "larger": "nearer"}, "model", "a hub id or a folder"),
    ],
)
def test_what_a_depth_source_needs_is_asked_for_by_entry_key_and_values(source, key, values):
    expected = rf"config\.yaml: depth_sources\.mine: source: {source['source']} needs {key}: {values}, got"
    with pytest.raises(DepthGError, match=expected) as caught:
        load_config({"depth_sources": {"mine": source}})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"source": "midas"}, "{source: transformers, model: Intel/dpt-large, larger: nearer}"),
        (
            {"source": "midas", "model": "Intel/dpt-hybrid-midas"},
            "{source: transformers, model: Intel/dpt-hybrid-midas, larger: nearer}",
        ),
        (
            {"source": "depth_anything"},
            "{source: transformers, model: depth-anything/Depth-Anything-V2-Small-hf, larger: nearer}",
        ),
        (
            {"source": "zoedepth", "predict_on": "image"},
            "{source: transformers, model: Intel/zoedepth-nyu, larger: farther, mirrored: true}",
        ),
    ],
)
def test_a_source_of_the_first_version_is_told_its_line_of_today(source, line):
    with pytest.raises(DepthGError) as caught:
        load_config({"depth_sources": {"mine": source}})
    assert str(caught.value).startswith(
        f"config.yaml: depth_sources.mine: source: {source['source']} is now {line}"
    )
    load_config({"depth_sources": {"mine": yaml.safe_load(line)}})


def test_what_other_sources_were_made_with_keeps_its_dump():
    dump = {"source": "kbr", "model": None, "predict_on": "crop", "name": None, "larger": None}
    assert DepthSource(source="kbr").model_dump() == dump
