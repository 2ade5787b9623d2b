"""Features in the store are the backbone's own, whatever the batches and interruptions."""

import threading

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from depthg.config.sections import Backbone
from depthg.errors import DepthGError
from depthg.models import precision
from depthg.models.backbones import DenseBackbone
from depthg.stages import features, pipeline
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

VIT = {"patch_size": 8, "embed_dim": 12, "depth": 1, "num_heads": 2, "dynamic_img_size": True}


@pytest.fixture
def spec(tmp_path):
    torch.manual_seed(0)
    net = timm.create_model("vit_tiny_patch16_224", num_classes=0, **VIT)
    save_file(net.state_dict(), tmp_path / "vit.safetensors")
    return Backbone(
        model="vit_tiny_patch16_224",
        args=VIT,
        weights=str(tmp_path / "vit.safetensors"),
        precision="float32",  # on all machines
    )


@pytest.fixture
def crops(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (7, 24, 24, 3), dtype=np.uint8)
    writer = Writer(tmp_path / "crops.zarr", 7, {"images": Array((24, 24, 3), "uint8")}, {})
    writer.write(range(7), images=images)
    writer.finish()
    return tmp_path / "crops.zarr"


def test_tokens_and_pooled_vectors(tmp_path, crops, spec):
    features.make_features(crops, tmp_path / "f.zarr", "vit", spec)
    store = Store(tmp_path / "f.zarr").expect(crops=Store(crops))
    with torch.inference_mode():
        expected = DenseBackbone(spec)(torch.from_numpy(Store(crops).read("images"))).numpy()
    assert store.read("tokens").dtype == np.float16
    np.testing.assert_allclose(store.read("tokens"), expected, atol=2e-2)
    mean = expected.astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(
        store.read("pooled"), mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-5
    )


def test_pooled_vectors_alone_are_those_beside_the_tokens(tmp_path, crops, spec):
    features.make_features(crops, tmp_path / "f.zarr", "tiny", spec)
    features.make_pooled(crops, tmp_path / "p.zarr", "tiny", spec)
    both, alone = Store(tmp_path / "f.zarr"), Store(tmp_path / "p.zarr")
    assert np.array_equal(alone.read("pooled"), both.read("pooled"))
    assert alone.provenance == both.provenance and not (tmp_path / "p.zarr/tokens").exists()


def test_killed_run_resumes_to_the_same_store(tmp_path, crops, spec, monkeypatch):
    monkeypatch.setattr(pipeline, "BATCH", 2)
    features.make_features(crops, tmp_path / "whole.zarr", "vit", spec)
    real, calls = features.dense_features, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(features, "dense_features", killed)
    with pytest.raises(KeyboardInterrupt):
        features.make_features(crops, tmp_path / "cut.zarr", "vit", spec)
    monkeypatch.setattr(features, "dense_features", real)
    features.make_features(crops, tmp_path / "cut.zarr", "vit", spec)
    for name in ("tokens", "pooled"):
        np.testing.assert_array_equal(
            Store(tmp_path / "cut.zarr").read(name), Store(tmp_path / "whole.zarr").read(name)
        )


def test_a_batch_is_asked_for_before_the_last_one_is_waited_for(tmp_path):
    """As a GPU computes while it is not asked for values, `cpu` here takes until the next batch is asked for."""
    asked = [threading.Event() for _ in range(3)]

    class Pending:
        is_cuda = False

        def __init__(self, batch):
            self.batch = batch

        def cpu(self):
            assert all(event.wait(20) for event in asked[: self.batch + 2])
            return torch.full((2, 3), float(self.batch))

    def compute(rows, source):
        asked[rows.start // 2].set()
        return {"values": Pending(rows.start // 2)}

    writer = Writer(tmp_path / "v.zarr", 6, {"values": Array((3,), "float32")}, {})
    pipeline.write_rows(writer, np.array, compute, "values", batch=2)
    assert Store(tmp_path / "v.zarr").read("values")[:, 0].tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("stored", ["float16", "int8"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_features_that_are_not_finite_are_refused_by_backbone_and_crop(
    tmp_path, crops, spec, monkeypatch, stored, value
):
    """1e9 is finite in float32, and neither a float16 nor an int8 with a scale in float16."""
    real = features.dense_features

    def overflowing(backbone, images):
        tokens = real(backbone, images).clone()
        tokens[5:6, 1, 2, 3] = value
        return tokens

    monkeypatch.setattr(features, "dense_features", overflowing)
    with pytest.raises(
        DepthGError, match="backbone vit: the features of crop 5 are not finite: set its precision"
    ):
        features.make_features(crops, tmp_path / "f.zarr", "vit", spec.model_copy(update={"stored": stored}))
    if value != 1e9:  # a mean holds that
        with pytest.raises(DepthGError, match="the features of crop 5"):
            features.make_pooled(crops, tmp_path / "p.zarr", "vit", spec)


def test_a_store_goes_on_in_the_precision_in_which_it_was_begun(tmp_path, crops, spec, monkeypatch):
    """Also on another machine, where the other precision would be chosen."""
    chosen = []

    def has_matrix_units():
        chosen.append(1)
        return len(chosen) == 1

    monkeypatch.setattr(precision, "has_matrix_units", has_matrix_units)
    open_choice = spec.model_copy(update={"precision": "auto"})
    for out in ("a", "a", "b"):
        features.make_features(crops, tmp_path / f"{out}.zarr", "vit", open_choice)
    half, whole = Store(tmp_path / "a.zarr"), Store(tmp_path / "b.zarr")
    assert len(chosen) == 2
    assert half.provenance == whole.provenance | {"precision": "bfloat16"}
    assert 1e-4 < np.abs(half.read("tokens") - whole.read("tokens")).max() < 0.1
