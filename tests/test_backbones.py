"""Dense features of timm models: which tokens they are, and which weights are accepted."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from depthg.backbones import MEAN, STD, DenseBackbone, clean_keys, token_shape
from depthg.config import Backbone, load
from depthg.errors import DepthGError

VIT = {"patch_size": 8, "embed_dim": 12, "depth": 2, "num_heads": 2, "dynamic_img_size": True}


@pytest.fixture(scope="module")
def vit():
    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, **VIT).eval()


@pytest.fixture(scope="module")
def vit_file(vit, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(vit.state_dict(), path)
    return path


def spec(path, **args):
    return Backbone(model="vit_tiny_patch16_224", args=VIT | args, weights=str(path))


def photographs(side=48, count=2):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=generator)


def test_tokens_are_the_last_blocks_after_the_norm_without_class_token(vit, vit_file):
    images = photographs()
    pixels = (images.permute(0, 3, 1, 2) / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(
        3, 1, 1
    )
    with torch.inference_mode():
        expected = vit.forward_features(pixels)[:, 1:].reshape(2, 6, 6, 12)
        tokens = DenseBackbone(spec(vit_file))(images)
    torch.testing.assert_close(tokens, expected, atol=1e-4, rtol=1e-4)


def test_grid_follows_the_crop(vit_file):
    with torch.inference_mode():
        assert DenseBackbone(spec(vit_file))(photographs(40)).shape == (2, 5, 5, 12)


def test_side_that_the_patch_does_not_divide(vit_file):
    with pytest.raises(DepthGError, match="crops of 50 px"):
        DenseBackbone(spec(vit_file), "mine")(photographs(50))


def test_cnn_has_stride_8(tmp_path):
    torch.manual_seed(0)
    save_file(timm.create_model("resnet18", num_classes=0).state_dict(), tmp_path / "cnn.safetensors")
    backbone = DenseBackbone(
        Backbone(model="resnet18", weights=str(tmp_path / "cnn.safetensors"), args={"output_stride": 8})
    )
    with torch.inference_mode():
        assert backbone(photographs(64)).shape == (2, 8, 8, 512)


def test_backbone_is_frozen(vit_file):
    backbone = DenseBackbone(spec(vit_file))
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not backbone.net.training


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: {"teacher": w}, lambda w: {"state_dict": w}])
@pytest.mark.parametrize("prefix", ["", "module.", "module.backbone."])
def test_dino_checkpoints(vit, vit_file, tmp_path, wrap, prefix):
    weights = {prefix + key: value for key, value in vit.state_dict().items()}
    weights["head.mlp.0.weight"] = torch.zeros(3)
    torch.save(wrap(weights), tmp_path / "dino.pth")
    loaded = DenseBackbone(spec(tmp_path / "dino.pth"))
    assert loaded.weights_hash() == DenseBackbone(spec(vit_file)).weights_hash()


def test_hash_tells_weights_apart(vit, vit_file, tmp_path):
    weights = {key: value.clone() for key, value in vit.state_dict().items()}
    weights["norm.bias"][0] += 1e-3
    save_file(weights, tmp_path / "other.safetensors")
    other = DenseBackbone(spec(tmp_path / "other.safetensors"))
    assert other.weights_hash() != DenseBackbone(spec(vit_file)).weights_hash()


def test_clean_keys_keeps_tensors_only():
    weights = clean_keys({"model": {"module.a": torch.zeros(1), "head.b": torch.zeros(1)}, "epoch": 3})
    assert list(weights) == ["a"]


def test_weights_that_do_not_fit_are_named(vit, vit_file, tmp_path):
    with pytest.raises(DepthGError, match="another shape of 'cls_token'"):
        DenseBackbone(spec(vit_file, embed_dim=16))
    with pytest.raises(DepthGError, match=r"lacks 'blocks\.2\.norm1\.weight' and 11 more"):
        DenseBackbone(spec(vit_file, depth=3))
    with pytest.raises(DepthGError, match=r"has unknown 'blocks\.1\."):
        DenseBackbone(spec(vit_file, depth=1))


def test_missing_and_broken_files_are_named(vit_file, tmp_path):
    with pytest.raises(DepthGError, match=r"no weights at .*none\.pth"):
        DenseBackbone(spec(tmp_path / "none.pth"))
    (tmp_path / "cut.safetensors").write_bytes(vit_file.read_bytes()[:1000])
    with pytest.raises(DepthGError, match="not a readable checkpoint"):
        DenseBackbone(spec(tmp_path / "cut.safetensors"))


def test_unknown_model_and_arguments(vit_file):
    with pytest.raises(DepthGError, match="timm has no model 'resnet51'"):
        DenseBackbone(Backbone(model="resnet51", weights=str(vit_file)))
    with pytest.raises(DepthGError, match="unexpected keyword argument 'depht'"):
        DenseBackbone(spec(vit_file, depht=3))


def test_no_weights_is_an_error_never_random(monkeypatch):
    def offline(*_, pretrained, **__):
        assert pretrained
        raise OSError("no network")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(DepthGError, match=r"could not be fetched .* set backbones: dino: weights:"):
        DenseBackbone(Backbone(model="vit_small_patch8_224.dino"), "dino")


@pytest.mark.parametrize(
    ("name", "side", "shape"),
    [
        ("dino_vits8", 224, (28, 28, 384)),
        ("dino_vitb8", 320, (40, 40, 768)),
        ("resnet50", 224, (28, 28, 2048)),
    ],
)
def test_token_shape_needs_no_weights(request, name, side, shape):
    spec = load(request.config.rootpath / "config.yaml").backbones[name]
    assert token_shape(spec, name, side) == shape


def test_token_shape_of_a_side_that_patches_do_not_divide():
    with pytest.raises(DepthGError, match="backbone tiny: crops of 30 px"):
        token_shape(Backbone(model="vit_tiny_patch16_224", args=VIT), "tiny", 30)
