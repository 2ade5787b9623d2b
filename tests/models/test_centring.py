"""Centred tokens, and models that centre them."""

import numpy as np
import pytest
import torch

from depthg.config.settings import TrainSettings
from depthg.models.centring import Centring
from depthg.models.checkpoint import Model, load_model, save_model

CENTRED = TrainSettings(tokens="centred", code_dim=4)


def test_the_mean_comes_off_unit_tokens():
    rng = np.random.default_rng(0)
    tokens, mean = rng.normal(size=(2, 5, 3)), rng.normal(size=3)
    unit = tokens / np.linalg.norm(tokens, axis=-1, keepdims=True)
    found = Centring(torch.from_numpy(mean))(torch.from_numpy(tokens)).numpy()
    np.testing.assert_allclose(found, unit - mean, atol=1e-12)


def test_a_token_without_length_is_only_moved():
    mean = torch.tensor([0.25, -0.5])
    assert torch.equal(Centring(mean)(torch.zeros(1, 2)), -mean[None])


def test_a_model_carries_its_mean(tmp_path):
    torch.manual_seed(0)
    mean, tokens = torch.rand(6), torch.randn(2, 9, 6)
    model = Model(CENTRED, 6, mean=mean).eval()
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors", 6)
    assert torch.equal(loaded.centring.mean, mean)
    assert torch.equal(loaded(tokens), model(tokens))
    assert torch.equal(loaded(tokens), loaded.head(Centring(mean)(tokens)))


def test_the_mean_is_not_trained_and_raw_models_have_none():
    assert not [name for name, _ in Model(CENTRED, 6).named_parameters() if "centring" in name]
    raw = Model(TrainSettings(code_dim=4), 6)
    assert raw.centring is None and not [name for name in raw.state_dict() if "centring" in name]


def test_hidden_positives_want_raw_tokens():
    with pytest.raises(ValueError, match="set tokens to raw"):
        TrainSettings(objective="hidden_positives", tokens="centred")


def test_joined_codes_are_unit_codes_beside_unit_tokens():
    torch.manual_seed(0)
    model, tokens = (
        Model(CENTRED.model_copy(update={"codes": "joined"}), 6, mean=torch.rand(6)).eval(),
        torch.randn(2, 9, 6),
    )
    found, seen = model(tokens), model.prepared(tokens)
    assert found.shape == (2, 9, 10)
    cosines = torch.nn.functional.cosine_similarity
    own, others = found[0, 0], found[0, 1]
    codes = model.head(seen)[0]
    expected = (cosines(codes[0], codes[1], dim=0) + cosines(seen[0, 0], seen[0, 1], dim=0)) / 2
    torch.testing.assert_close(cosines(own, others, dim=0), expected)


@pytest.mark.parametrize("update", [{"codebook": True}, {"head": "identity", "steps": 0}])
def test_only_a_trained_head_and_kmeans_can_join(update):
    with pytest.raises(ValueError, match="codes: joined needs a trained head and k-means"):
        TrainSettings(codes="joined", **update)
