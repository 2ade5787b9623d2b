"""Dense features of timm models: which tokens they are, and which weights are accepted."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from depthg.config import load_config
from depthg.config.sections import Backbone
from depthg.errors import DepthGError
from depthg.models import backbones
from depthg.models.backbones import MEAN, STD, DenseBackbone, token_shape
from depthg.weights.checkpoints import clean_keys

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


def test_side_that_the_patch_does_not_divide_is_rounded_and_told_once(vit_file, capsys):
    backbone = DenseBackbone(spec(vit_file), "mine")
    with torch.inference_mode():
        first, second = backbone(photographs(50)), backbone(photographs(50))
        plain = torch.full((1, 50, 50, 3), 90, dtype=torch.uint8)
        # Resizing a plain crop changes nothing but its size.
        torch.testing.assert_close(backbone(plain), backbone(plain[:, :48, :48]), atol=1e-4, rtol=1e-4)
    assert first.shape == (2, 6, 6, 12) and torch.equal(first, second)
    assert capsys.readouterr().out.splitlines() == [
        "backbone mine: crops of 50 px are resized to 48 px, a multiple of its 8 px patches"
    ]


def test_model_for_one_size_only_says_which_argument_lacks(vit_file):
    with pytest.raises(
        DepthGError, match=r"crops of 48 px: .*: add dynamic_img_size: true to backbones: mine"
    ):
        DenseBackbone(spec(vit_file, dynamic_img_size=False), "mine")(photographs(48))


SMALL = {"embed_dim": 24, "depth": 2, "num_heads": 2}
REGISTERS = {  # timm architecture → arguments of a miniature with four registers, and its patch
    "vit_small_patch14_reg4_dinov2": (SMALL | {"img_size": 56, "dynamic_img_size": True}, 14),
    "vit_small_patch16_dinov3": (SMALL | {"img_size": 64}, 16),
}


def _miniature(model):
    torch.manual_seed(0)
    net = timm.create_model(model, num_classes=0, **REGISTERS[model][0]).eval()
    with torch.no_grad():  # timm starts these near zero
        for values in (net.cls_token, net.reg_token):
            values.normal_()
    return net


@pytest.mark.parametrize("model", REGISTERS)
@pytest.mark.parametrize("side", [224, 320])
def test_class_and_register_tokens_are_dropped(tmp_path, capsys, model, side):
    args, patch = REGISTERS[model]
    net, grid = _miniature(model), round(side / patch)
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    backbone = DenseBackbone(
        Backbone(model=model, args=args, weights=str(tmp_path / "net.safetensors")), "mini"
    )
    images = photographs(side, 1)
    with torch.inference_mode():
        tokens = backbone(images)
        pixels = images.permute(0, 3, 1, 2).float().div(255).sub(backbone.mean).div(backbone.std)
        everything = net.forward_features(backbone._resized(pixels))
    assert everything.shape[1] == 5 + grid**2 and tokens.shape == (1, grid, grid, 24)
    torch.testing.assert_close(tokens, everything[:, 5:].reshape(1, grid, grid, 24), atol=1e-4, rtol=1e-4)
    assert ("are resized to 322 px" in capsys.readouterr().out) == (patch * grid != side)


def _as_meta_published(model, net):
    """Their registers and scales have other names, and there is a mask token that timm does without."""
    theirs = dict(net.state_dict())
    if model.endswith("dinov2"):  # the class token has a position of its own
        theirs["register_tokens"] = theirs.pop("reg_token")
        theirs["pos_embed"] = torch.cat([torch.zeros(1, 1, 24), theirs["pos_embed"]], dim=1)
    else:
        theirs["storage_tokens"] = theirs.pop("reg_token")
        theirs = {
            key.replace("gamma_1", "ls1.gamma").replace("gamma_2", "ls2.gamma"): value
            for key, value in theirs.items()
        }
        theirs |= {
            f"blocks.{block}.attn.qkv.{key}": torch.zeros(72)
            for block in (0, 1)
            for key in ("bias", "bias_mask")
        }
        theirs["rope_embed.periods"] = torch.ones(3)
    return theirs | {"mask_token": torch.zeros(1, 24)}


@pytest.mark.parametrize("model", REGISTERS)
def test_dinov2_and_dinov3_as_meta_published_them(tmp_path, model):
    net = _miniature(model)
    torch.save(_as_meta_published(model, net), tmp_path / "meta.pth")
    save_file(net.state_dict(), tmp_path / "timm.safetensors")
    meta, own = (
        DenseBackbone(Backbone(model=model, args=REGISTERS[model][0], weights=str(tmp_path / name)))
        for name in ("meta.pth", "timm.safetensors")
    )
    assert meta.weights_hash() == own.weights_hash()


@pytest.mark.parametrize(("precision", "exact"), [(torch.float32, True), (torch.bfloat16, False)])
def test_float32_is_float32_on_a_card_too(precision, exact):
    """Where convolutions would be of TF32 by default; `meta` is no CPU either."""
    backbone = DenseBackbone(Backbone(model="resnet18"), untrained=True).to("meta").in_precision(precision)
    before, seen = torch.backends.cudnn.allow_tf32, []
    backbone.net.conv1.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    backbone(torch.zeros(1, 64, 64, 3, dtype=torch.uint8, device="meta"))
    assert before and seen == [not exact] and torch.backends.cudnn.allow_tf32 == before


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


@pytest.mark.parametrize(
    "wrap", [lambda w: w, lambda w: {"teacher": w}, lambda w: {"student": w, "epoch": 3}]
)
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


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("gotcha",))

    torch.save({"teacher": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(DepthGError, match=r"evil\.pth: not a readable checkpoint .*holds code"):
        DenseBackbone(spec(tmp_path / "evil.pth"))


def test_weights_of_a_hub_that_were_fetched_before(vit, tmp_path, monkeypatch):
    """A hub's model is taken from resources/weights; nothing is asked from the hub."""
    small = timm.create_model("vit_small_patch8_224.dino", depth=1, num_classes=0)
    path = tmp_path / "resources/weights/timm/vit_small_patch8_224.dino/model.safetensors"
    path.parent.mkdir(parents=True)
    save_file(small.state_dict(), path)
    monkeypatch.chdir(tmp_path)
    backbone = DenseBackbone(Backbone(model="vit_small_patch8_224.dino", args={"depth": 1}))
    assert torch.equal(backbone.net.state_dict()["cls_token"], small.cls_token)
    path.write_bytes(b"cut off")
    with pytest.raises(DepthGError, match=r"could not be read from resources/weights/timm/vit_small"):
        DenseBackbone(Backbone(model="vit_small_patch8_224.dino"))


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_weights_in_the_hubs_cache(tmp_path, monkeypatch, file):
    small = timm.create_model("vit_small_patch8_224.dino", depth=1, num_classes=0)
    (save_file if file.endswith("safetensors") else torch.save)(small.state_dict(), tmp_path / file)
    monkeypatch.setattr(backbones, "why_unreachable", lambda: pytest.fail("the hub was asked"))
    monkeypatch.setattr(
        backbones, "cached", lambda hub_id, name: tmp_path / name if (tmp_path / name).is_file() else None
    )
    backbone = DenseBackbone(Backbone(model="vit_small_patch8_224.dino", args={"depth": 1}))
    assert torch.equal(backbone.net.state_dict()["cls_token"], small.cls_token)


def test_weights_that_are_not_on_the_hub_are_fetched_without_asking_it(monkeypatch):
    created = []
    monkeypatch.setattr(
        timm, "create_model", lambda *_, **keys: created.append(keys) or torch.nn.Linear(1, 1)
    )
    monkeypatch.setattr(backbones, "why_unreachable", lambda: pytest.fail("the hub was asked"))
    DenseBackbone(Backbone(model="gcvit_tiny.in1k"))
    assert created[0]["pretrained"] and created[0]["pretrained_cfg_overlay"] is None


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
    monkeypatch.setattr(backbones, "why_unreachable", lambda: None)
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
    spec = load_config(request.config.rootpath / "config.yaml").backbones[name]
    assert token_shape(spec, name, side) == shape


def test_token_shape_is_that_of_the_side_a_crop_is_resized_to():
    spec = Backbone(model="vit_tiny_patch16_224", args=VIT)
    assert token_shape(spec, "tiny", 30) == (4, 4, 12)  # 32 px
