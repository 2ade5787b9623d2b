import pytest
import torch
from safetensors.torch import load_file, save_file

from depthg.config.settings import TrainSettings
from depthg.errors import DepthGError
from depthg.models.checkpoint import Model, load_model, save_model

SETTINGS = TrainSettings(code_dim=3, lhp="depth")


@pytest.fixture
def path(tmp_path):
    save_model(Model(SETTINGS, 5), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_a_model_comes_back_as_it_was(path):
    model = load_model(path, channels=5)
    assert (model.settings, model.channels, model.code_dim) == (SETTINGS, 5, 3)
    assert not model.training
    stored = load_file(path)
    assert {name.split(".")[0] for name in stored} == {"head", "projection"}
    assert all(torch.equal(weight, stored[name]) for name, weight in model.state_dict().items())
    tokens = torch.rand(2, 4, 5)
    assert torch.equal(model(tokens), model.head(tokens))


def test_equal_models_are_equal_files(path, tmp_path):
    save_model(load_model(path), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_a_head_without_weights(tmp_path):
    save_model(Model(TrainSettings(head="identity", steps=0), 5), tmp_path / "model.safetensors")
    model = load_model(tmp_path / "model.safetensors")
    assert model.code_dim == 5 and not model.state_dict()


def test_no_projection_without_local_hidden_positives():
    assert Model(TrainSettings(), 5).projection is None


def test_features_of_another_backbone(path):
    with pytest.raises(DepthGError, match="features of 5 channels, not 384"):
        load_model(path, channels=384)


def test_missing_file(tmp_path):
    with pytest.raises(DepthGError, match="does not exist: make it with"):
        load_model(tmp_path / "model.safetensors")


@pytest.mark.parametrize("kind", ["garbage", "foreign", "partial"])
def test_files_that_are_not_a_model(path, kind):
    weights = load_file(path)
    if kind == "garbage":
        path.write_bytes(b"not a model")
    elif kind == "foreign":
        save_file(weights, path)
    else:
        model = Model(SETTINGS, 5)
        del model.head.linear
        save_model(model, path)
    with pytest.raises(DepthGError, match="not a model of depthg") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
