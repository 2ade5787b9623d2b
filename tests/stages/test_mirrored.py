"""Features of mirrored crops against the backbone on mirrored pixels, with token i where it is in the crop itself."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from depthg.config.sections import Backbone
from depthg.models.backbones import DenseBackbone
from depthg.stages import mirrored, pipeline
from depthg.stages.features import make_features
from depthg.stages.mirrored import make_mirrored, mirror
from depthg.store.arrays import Array
from depthg.store.completion import complete
from depthg.store.parts import Part
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.store.writer import Writer

VIT = {"patch_size": 8, "embed_dim": 12, "depth": 1, "num_heads": 2, "dynamic_img_size": True}


def write_crops(path, images):
    writer = Writer(
        path, len(images), {"images": Array(images.shape[1:], "uint8")}, {"sum": int(images.sum())}
    )
    writer.write(range(len(images)), images=images)
    writer.finish()
    return path


@pytest.fixture
def crops(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (7, 24, 24, 3), dtype=np.uint8)
    return write_crops(tmp_path / "crops.zarr", images)


@pytest.fixture
def spec(tmp_path):
    torch.manual_seed(0)
    net = timm.create_model("vit_tiny_patch16_224", num_classes=0, **VIT)
    save_file(net.state_dict(), tmp_path / "vit.safetensors")
    return Backbone(
        model="vit_tiny_patch16_224",
        args=VIT,
        weights=str(tmp_path / "vit.safetensors"),
        precision="float32",
    )


def test_left_and_right_change_places():
    assert mirror(torch.arange(6).view(1, 2, 3, 1)).flatten().tolist() == [2, 1, 0, 5, 4, 3]


def test_tokens_of_mirrored_pixels_mirrored_back(tmp_path, crops, spec):
    make_mirrored(crops, tmp_path / "m.zarr", "vit", spec)
    make_features(crops, tmp_path / "f.zarr", "vit", spec)
    found, plain = TokenStore(tmp_path / "m.zarr"), TokenStore(tmp_path / "f.zarr")
    images = Store(crops).read("images")[:, :, ::-1].copy()
    with torch.inference_mode():
        expected = DenseBackbone(spec)(torch.from_numpy(images)).numpy()[:, :, ::-1]
    np.testing.assert_allclose(found.read("tokens"), expected, atol=2e-3)
    assert np.abs(found.read("tokens") - plain.read("tokens")).max() > 0.05
    mean = expected.astype(np.float64).mean(axis=(1, 2))
    unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(found.read("pooled"), unit, atol=1e-5)


def test_of_a_symmetric_crop_tokens_are_those_of_the_crop_mirrored(tmp_path, spec):
    half = np.random.default_rng(1).integers(0, 256, (2, 24, 12, 3), dtype=np.uint8)
    crops = write_crops(tmp_path / "s.zarr", np.concatenate([half, half[:, :, ::-1]], axis=2))
    make_mirrored(crops, tmp_path / "m.zarr", "vit", spec)
    make_features(crops, tmp_path / "f.zarr", "vit", spec)
    found, plain = (Store(tmp_path / f"{name}.zarr").read("tokens") for name in "mf")
    np.testing.assert_array_equal(found, plain[:, :, ::-1])


def test_the_provenance_differs_by_the_mirror_alone(tmp_path, crops, spec):
    make_mirrored(crops, tmp_path / "m.zarr", "vit", spec)
    make_features(crops, tmp_path / "f.zarr", "vit", spec)
    found, plain = TokenStore(tmp_path / "m.zarr"), TokenStore(tmp_path / "f.zarr")
    assert found.provenance == plain.provenance | {"mirrored": True}
    assert found.mirrored and not plain.mirrored and found.fingerprint != plain.fingerprint


def test_a_killed_run_and_one_in_parts_leave_the_same_store(tmp_path, crops, spec, monkeypatch):
    monkeypatch.setattr(pipeline, "BATCH", 2)
    make_mirrored(crops, tmp_path / "whole.zarr", "vit", spec)
    real, calls = mirrored.dense_features, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(mirrored, "dense_features", killed)
    with pytest.raises(KeyboardInterrupt):
        make_mirrored(crops, tmp_path / "cut.zarr", "vit", spec)
    monkeypatch.setattr(mirrored, "dense_features", real)
    make_mirrored(crops, tmp_path / "cut.zarr", "vit", spec)
    for number in (1, 2):
        make_mirrored(crops, tmp_path / "parts.zarr", "vit", spec, Part(number, 2))
    complete(tmp_path / "parts.zarr", 2)
    for name in ("cut", "parts"):
        stores = Store(tmp_path / f"{name}.zarr"), Store(tmp_path / "whole.zarr")
        for array in ("tokens", "pooled"):
            np.testing.assert_array_equal(*(store.read(array) for store in stores))
