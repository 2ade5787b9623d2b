"""A CPU computes in bfloat16 only where it has units for it; tokens stay close to those of float32."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from depthg.config.sections import Backbone
from depthg.models import precision
from depthg.models.backbones import DenseBackbone

VIT = {"patch_size": 8, "embed_dim": 48, "depth": 4, "num_heads": 2, "dynamic_img_size": True}
IMAGES = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def backbone():
    torch.manual_seed(0)
    return DenseBackbone(Backbone(model="vit_tiny_patch16_224", args=VIT), untrained=True)


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True, "amx_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_the_choice_follows_the_processor(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    assert precision.choose_precision(torch.device("cpu")) == expected


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (["float32"], torch.float32),
        ([None, "auto", "bfloat16", "float32"], torch.bfloat16),
        ([None, "auto"], torch.float16),
    ],
)
def test_the_first_wish_holds(wishes, expected):
    assert precision.choose_precision(torch.device("cuda"), *wishes) == expected


def test_a_gpu_takes_float16():
    assert precision.choose_precision(torch.device("cuda")) == torch.float16


def test_a_torch_that_does_not_tell(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert precision.choose_precision(torch.device("cpu")) == torch.float32


@pytest.mark.parametrize(("dtype", "least"), [(torch.float16, 1 - 1e-5), (torch.bfloat16, 0.999)])
def test_tokens_stay_close_to_those_of_float32(backbone, dtype, least):
    with torch.inference_mode():
        exact, tokens = backbone(IMAGES), backbone.in_precision(dtype)(IMAGES)
    assert tokens.dtype == torch.float32
    assert cosine_similarity(exact, tokens, dim=-1).min() > least
