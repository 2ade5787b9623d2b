"""Photometric views: the same for a crop whenever it is drawn, colours only, and of the same layout as features."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from depthg.config.sections import Backbone
from depthg.models.backbones import DenseBackbone
from depthg.stages import pipeline, views
from depthg.stages.features import make_features
from depthg.stages.views import make_views, photometric_view
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

VIT = {"patch_size": 8, "embed_dim": 12, "depth": 1, "num_heads": 2, "dynamic_img_size": True}
FLAT = np.full((16, 16, 3), (200, 90, 30), np.uint8)


@pytest.fixture
def crops(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (7, 24, 24, 3), dtype=np.uint8)
    writer = Writer(tmp_path / "crops.zarr", 7, {"images": Array((24, 24, 3), "uint8")}, {})
    writer.write(range(7), images=images)
    writer.finish()
    return tmp_path / "crops.zarr"


@pytest.fixture
def spec(tmp_path):
    torch.manual_seed(0)
    net = timm.create_model("vit_tiny_patch16_224", num_classes=0, **VIT)
    save_file(net.state_dict(), tmp_path / "vit.safetensors")
    weights = str(tmp_path / "vit.safetensors")
    return Backbone(model="vit_tiny_patch16_224", args=VIT, weights=weights, precision="float32")


def test_a_view_depends_on_the_number_of_the_crop_alone():
    before = torch.random.get_rng_state()
    one = photometric_view(FLAT, 3)
    torch.rand(5)
    np.testing.assert_array_equal(photometric_view(FLAT, 3), one)
    assert len({photometric_view(FLAT, crop).tobytes() for crop in range(20)}) > 15
    torch.random.set_rng_state(before)
    photometric_view(FLAT, 3)
    assert torch.equal(torch.random.get_rng_state(), before)  # what else is drawn is not disturbed


def test_colours_change_and_nothing_moves():
    grey = 0
    for crop in range(200):
        view = photometric_view(FLAT, crop)
        assert view.dtype == np.uint8 and view.shape == FLAT.shape
        assert (view == view[0, 0]).all()  # a flat picture stays flat
        grey += len(set(view[0, 0].tolist())) == 1
    assert 20 < grey < 60  # one in five


def test_the_store(tmp_path, crops, spec):
    make_views(crops, tmp_path / "v.zarr", "vit", spec)
    make_features(crops, tmp_path / "f.zarr", "vit", spec)
    view, plain = Store(tmp_path / "v.zarr").expect(crops=Store(crops)), Store(tmp_path / "f.zarr")
    assert view.read("tokens").shape == plain.read("tokens").shape
    image = photometric_view(Store(crops).read("images", [5])[0], 5)
    with torch.inference_mode():
        expected = DenseBackbone(spec)(torch.from_numpy(image)[None]).numpy()
    np.testing.assert_allclose(view.read("tokens", [5]), expected, atol=2e-2)
    assert np.abs(view.read("tokens") - plain.read("tokens")).max() > 0.05


def test_killed_run_resumes_to_the_same_store(tmp_path, crops, spec, monkeypatch):
    monkeypatch.setattr(pipeline, "BATCH", 2)
    make_views(crops, tmp_path / "whole.zarr", "vit", spec)
    real, calls = views.dense_features, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(views, "dense_features", killed)
    with pytest.raises(KeyboardInterrupt):
        make_views(crops, tmp_path / "cut.zarr", "vit", spec)
    monkeypatch.setattr(views, "dense_features", real)
    make_views(crops, tmp_path / "cut.zarr", "vit", spec)
    np.testing.assert_array_equal(
        *(Store(tmp_path / f"{name}.zarr").read("tokens") for name in ("cut", "whole"))
    )
