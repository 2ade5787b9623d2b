"""KBR on a miniature of its checkpoint: Lightning's pickle around a small ConvNeXt and the published names."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import elu, pad

from depthg.config.sections import DepthSource
from depthg.errors import DepthGError
from depthg.stages.depth import kbr
from depthg.stages.depth.kbr import KBR, shown_size
from depthg.stages.depth.kbr_network import KBRNetwork, rename_published_keys
from depthg.weights import catalogue as fetch
from depthg.weights.catalogue import WeightsFile

SMALL = {"depths": (1, 1, 1, 1), "dims": (4, 8, 12, 16)}


class Callback:
    """Something only the training knew."""


def _published(network: KBRNetwork) -> dict[str, torch.Tensor]:
    """The network's weights under the names of the published file, with outputs that are not used."""
    named = {f"nets.depth.encoder.{key}": value for key, value in network.encoder.state_dict().items()}
    for place, layer in enumerate(network.decoder.convolutions):
        for key, value in layer.state_dict().items():
            named[f"nets.depth.decoders.disp.decoder.{place}.conv.{key}"] = value
    for place in range(10, 14):
        for key, value in network.decoder.output.state_dict().items():
            named[f"nets.depth.decoders.disp.decoder.{place}.{key}"] = value if place == 10 else value + 1
    return named | {"nets.pose.encoder.weight": torch.zeros(1)}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = KBRNetwork(**SMALL).eval()
    with torch.no_grad():  # ConvNeXt's branches start near zero
        for key, values in network.named_parameters():
            if key.endswith("gamma"):
                values.fill_(1)
    return network


@pytest.fixture
def checkpoint(network, tmp_path, monkeypatch):
    monkeypatch.setattr(kbr, "KBRNetwork", partial(KBRNetwork, **SMALL))
    monkeypatch.setattr(kbr, "WIDTH", 64)
    content = {
        "epoch": 59,
        "state_dict": _published(network),
        "hyper_parameters": {"cfg": {"net": {"depth": {"enc_name": "convnext_base"}}}},
        "callbacks": {"checkpoint": Callback()},
    }
    torch.save(content, tmp_path / "kbr.ckpt")
    return tmp_path / "kbr.ckpt"


def _open(path: Path) -> KBR:
    return KBR(DepthSource(source="kbr", model=str(path)), Path(), [])


def _disparity(network: KBRNetwork, images: np.ndarray) -> np.ndarray:
    """Written out level by level, padded by hand: float64 [B, 64, 64]."""
    mean, std = (torch.tensor(of).view(3, 1, 1) for of in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        maps = network.encoder((torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std)

        def convolve(place, x):
            layer = network.decoder.convolutions[place] if place < 10 else network.decoder.output
            return torch.nn.functional.conv2d(pad(x, (1, 1, 1, 1), "reflect"), layer.weight, layer.bias)

        x = maps[3]
        for level, skip in enumerate([maps[2], maps[1], maps[0], None, None]):
            x = elu(convolve(2 * level, x)).repeat_interleave(2, 2).repeat_interleave(2, 3)
            x = elu(convolve(2 * level + 1, x if skip is None else torch.cat([x, skip], 1)))
        return (1 / (1 + torch.exp(-convolve(10, x))))[:, 0].double().numpy()


def test_disparity_is_the_published_architectures(checkpoint, network, photographs):
    disparity = _open(checkpoint).raw(photographs)
    assert disparity.shape == (2, 64, 64) and np.ptp(disparity.numpy()) > 1e-3
    np.testing.assert_allclose(disparity, _disparity(network, photographs), rtol=1e-4)


def test_near_is_0_and_far_is_1(checkpoint, network, photographs, depth_of, far):
    depth = depth_of(DepthSource(source="kbr", model=str(checkpoint)))
    np.testing.assert_allclose(depth, far(_disparity(network, photographs)), atol=5e-3)


def test_images_are_shown_at_the_size_of_the_authors():
    assert shown_size(480, 640) == (480, 640) and shown_size(375, 500) == (480, 640)
    assert shown_size(1024, 2048) == (320, 640) and shown_size(640, 480) == (384, 288)


def test_whole_images_keep_their_shape(checkpoint):
    images = np.random.default_rng(1).integers(0, 256, (1, 100, 200, 3), dtype=np.uint8)
    assert _open(checkpoint).raw(images).shape == (1, 100, 200)


def test_the_full_network_has_the_published_layers():
    """Names and shapes of the file's layers as its authors' code makes them, with timm's ConvNeXt-B."""
    with torch.device("meta"):
        network = KBRNetwork()
    theirs = {key.removeprefix("nets.depth."): value for key, value in _published(network).items()}
    shapes = {
        place: tuple(theirs[f"decoders.disp.decoder.{place}.conv.weight"].shape[:2]) for place in range(10)
    }
    assert list(shapes.values()) == [
        *((256, 1024), (256, 768), (128, 256), (128, 384), (64, 128)),
        *((64, 192), (32, 64), (32, 32), (16, 32), (16, 16)),
    ]
    assert theirs["encoder.stem_0.weight"].shape == (128, 3, 4, 4)
    assert "encoder.stages_2.blocks.26.mlp.fc2.weight" in theirs
    ours = rename_published_keys(
        {key: value for key, value in theirs.items() if not key.startswith("nets.pose")}
    )
    assert ours.keys() == network.state_dict().keys()


def test_another_file_than_the_pinned_one_is_refused(checkpoint, monkeypatch):
    row = WeightsFile(url="https://x", sha256="00" * 32)
    monkeypatch.setattr(fetch, "table", lambda: {"kbr.ckpt": row})
    with pytest.raises(DepthGError, match=r"kbr\.ckpt: is not the file pinned"):
        _open(checkpoint)


def test_a_missing_and_a_foreign_checkpoint_are_named(checkpoint, tmp_path, network):
    with pytest.raises(
        DepthGError, match=r"none\.ckpt: KBR's checkpoint is not there: .*weights fetch kbr\.ckpt"
    ):
        _open(tmp_path / "none.ckpt")
    weights = _published(network)
    del weights["nets.depth.decoders.disp.decoder.3.conv.bias"]
    torch.save({"state_dict": weights}, checkpoint)
    with pytest.raises(DepthGError, match=r"kbr\.ckpt: lacks 'decoder\.convolutions\.3\.bias'"):
        _open(checkpoint)


def test_weights_in_float16_draw_a_like_map(checkpoint, half_error):
    assert 0 < half_error(_open(checkpoint)) < 0.05
