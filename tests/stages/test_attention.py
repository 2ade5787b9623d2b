"""Neighbours by attention: logits as the block computes them, weights as Hidden Positives', against loops."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from depthg.config.sections import Backbone
from depthg.errors import DepthGError
from depthg.models.backbones import DenseBackbone
from depthg.stages.attention import AttentionLogits, attention_weights, make_attention, neighborhood
from depthg.stages.features import make_features
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

VIT = {"patch_size": 8, "embed_dim": 12, "depth": 2, "num_heads": 2, "dynamic_img_size": True}


def saved(path, **args):
    torch.manual_seed(0)
    net = timm.create_model("vit_tiny_patch16_224", num_classes=0, **VIT, **args).eval()
    for weight in net.parameters():
        weight.data += 0.3 * torch.randn_like(weight)  # attention that is far from uniform
    save_file(net.state_dict(), path)
    spec = Backbone(model="vit_tiny_patch16_224", args=VIT | args, weights=str(path), precision="float32")
    return net, spec


@pytest.fixture
def crops(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    writer = Writer(tmp_path / "crops.zarr", 5, {"images": Array((32, 32, 3), "uint8")}, {})
    writer.write(range(5), images=images)
    writer.finish()
    return tmp_path / "crops.zarr"


@pytest.mark.parametrize("args", [{}, {"qk_norm": True}, {"reg_tokens": 3}])
def test_logits_are_those_of_the_last_block(tmp_path, args):
    net, spec = saved(tmp_path / "vit.safetensors", **args)
    images = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    found = AttentionLogits(DenseBackbone(spec))(torch.from_numpy(images)).numpy()
    seen = []
    net.blocks[-1].norm1.register_forward_hook(lambda module, inputs, output: seen.append(output))
    pixels = (images / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    with torch.inference_mode():
        net.forward_features(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
        tokens = seen[0].double().numpy()
    weights = {key: value.double().numpy() for key, value in net.blocks[-1].attn.state_dict().items()}
    prefix = 1 + args.get("reg_tokens", 0)

    def norm(vectors, name):
        if f"{name}.weight" not in weights:
            return vectors
        centred = vectors - vectors.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    for crop in range(2):
        expected = np.zeros((16, 16))
        qkv = tokens[crop] @ weights["qkv.weight"].T + weights["qkv.bias"]
        for head in range(2):
            q, k = (qkv[prefix:, start + 6 * head :][:, :6] for start in (0, 12))
            expected += norm(q, "q_norm") @ norm(k, "k_norm").T / np.sqrt(6) / 2
        np.testing.assert_allclose(found[crop], expected, atol=2e-4)


@pytest.mark.parametrize("grid", [(3, 3), (4, 5), (1, 9), (2, 6)])
def test_the_neighborhood_is_distinct_and_starts_with_the_token(grid):
    ids, inside = neighborhood(grid)
    for token in range(grid[0] * grid[1]):
        row, column = divmod(token, grid[1])
        expected = {
            r * grid[1] + c
            for r in range(row - 1, row + 2)
            for c in range(column - 1, column + 2)
            if 0 <= r < grid[0] and 0 <= c < grid[1]
        }
        assert ids[token, 0] == token and inside[token, 0]
        assert set(ids[token, inside[token]].tolist()) == expected
        assert len(set(ids[token].tolist())) == 9
        assert ids[token].min() >= 0 and ids[token].max() < grid[0] * grid[1]


def test_weights_against_loops():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(20, 20)) * 2
    ids, inside = neighborhood((4, 5))
    found = attention_weights(*map(torch.from_numpy, (logits, ids, inside)), 4).numpy()
    for token in range(20):
        row = np.clip(logits[token], *np.quantile(logits[token], [0.1, 0.9]))
        shares = 4 * np.exp(row) / np.exp(row).sum()
        expected = [
            shares[j] if here and shares[j] >= shares.mean() else 0
            for j, here in zip(ids[token], inside[token], strict=True)
        ]
        if not any(expected):
            expected[0] = 1
        np.testing.assert_allclose(found[token], expected)
    assert (found.sum(1) > 0).all()


def test_a_token_that_attends_elsewhere_counts_itself():
    logits = torch.zeros(25, 25)
    logits[:, 4] = logits[:, 9] = logits[:, 14] = 5.0  # the right edge, which token 0 does not touch
    ids, inside = map(torch.from_numpy, neighborhood((5, 5)))
    assert attention_weights(logits, ids, inside, 5)[0].tolist() == [1, *[0] * 8]


def test_the_store(tmp_path, crops):
    _, spec = saved(tmp_path / "vit.safetensors")
    make_features(crops, tmp_path / "f.zarr", "vit", spec)
    make_attention(crops, tmp_path / "f.zarr", tmp_path / "a.zarr", "vit", spec)
    store = Store(tmp_path / "a.zarr").expect(features=Store(tmp_path / "f.zarr"), crops=Store(crops))
    ids, weights = store.read("neighbors"), store.read("weights")
    assert ids.dtype == np.uint16 and weights.dtype == np.float16
    assert ids.shape == weights.shape == (5, 16, 9)
    assert (weights >= 0).all() and (weights.sum(-1) > 0).all()
    logits = AttentionLogits(DenseBackbone(spec))(torch.from_numpy(Store(crops).read("images", [3])))[0]
    expected = attention_weights(logits, *map(torch.from_numpy, neighborhood((4, 4))), 4)
    np.testing.assert_allclose(weights[3], expected.numpy(), rtol=2e-3)


@pytest.mark.parametrize("prefix", [1, 4])
def test_the_store_as_released_holds_all_attention(tmp_path, crops, prefix):
    """As timm's own block computes it when not fused."""
    net, spec = saved(tmp_path / "vit.safetensors", reg_tokens=prefix - 1)
    make_features(crops, tmp_path / "f.zarr", "vit", spec)
    make_attention(crops, tmp_path / "f.zarr", tmp_path / "a.zarr", "vit", spec, "released")
    found, seen = Store(tmp_path / "a.zarr").read("attention"), []
    assert found.shape == (5, 16, 16) and found.dtype == np.float16
    net.blocks[-1].attn.fused_attn = False
    net.blocks[-1].attn.attn_drop.register_forward_hook(lambda module, inputs, output: seen.append(output))
    pixels = (Store(crops).read("images") / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    with torch.inference_mode():
        net.forward_features(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
    np.testing.assert_allclose(found, seen[0].mean(1)[:, prefix:, prefix:].numpy(), rtol=5e-3, atol=1e-4)


def test_too_few_tokens(tmp_path, crops):
    _, spec = saved(tmp_path / "vit.safetensors")
    writer = Writer(
        tmp_path / "f.zarr", 5, {"tokens": Array((2, 2, 12), "float16")}, {"crops": Store(crops).fingerprint}
    )
    writer.write(range(5), tokens=np.zeros((5, 2, 2, 12)))
    writer.finish()
    with pytest.raises(DepthGError, match="9 tokens a crop, not 2×2: raise size"):
        make_attention(crops, tmp_path / "f.zarr", tmp_path / "a.zarr", "vit", spec)
