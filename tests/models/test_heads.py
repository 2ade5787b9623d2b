import numpy as np
import pytest
import torch

from depthg.models.heads import ChannelDropout, Identity, SegmentationHead
from depthg.models.projection import Projection


def test_dropout_silences_whole_channels_of_a_crop():
    torch.manual_seed(0)
    out = ChannelDropout(0.5)(torch.ones(6, 9, 40))
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert (out == out[:, :1]).all()  # every token of a crop alike
    assert not torch.equal(out[0], out[1])  # and every crop on its own


def test_dropout_draws_anew_at_each_call_and_rests_in_evaluation():
    torch.manual_seed(0)
    tokens, dropout = torch.ones(2, 3, 40), ChannelDropout(0.5)
    assert not torch.equal(dropout(tokens), dropout(tokens))
    assert torch.equal(dropout.eval()(tokens), tokens)


def test_dropout_keeps_the_mean():
    torch.manual_seed(0)
    assert ChannelDropout(0.1)(torch.ones(50, 1, 400)).mean().item() == pytest.approx(1, abs=0.01)


def test_head_is_the_sum_of_a_linear_and_a_two_layer_branch():
    torch.manual_seed(0)
    head = SegmentationHead(5, 3, 0.1).eval()
    weights = {name: value.double().numpy() for name, value in head.state_dict().items()}
    token = np.random.default_rng(0).normal(size=5)
    hidden = np.maximum(weights["nonlinear.0.weight"] @ token + weights["nonlinear.0.bias"], 0)
    expected = weights["linear.weight"] @ token + weights["linear.bias"]
    expected = expected + weights["nonlinear.2.weight"] @ hidden + weights["nonlinear.2.bias"]
    with torch.no_grad():
        found = head(torch.from_numpy(token).float().expand(2, 4, 5))
    assert found.shape == (2, 4, 3)
    np.testing.assert_allclose(found[1, 2], expected, rtol=1e-4, atol=1e-6)


def test_branches_have_masks_of_their_own():
    torch.manual_seed(0)
    head = SegmentationHead(30, 2, 0.5)
    seen = []
    head.linear.register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    head.nonlinear.register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    head(torch.ones(1, 2, 30))
    assert not torch.equal(*seen)


def test_identity_has_the_features_as_codes():
    head, tokens = Identity(7, 70, 0.1), torch.rand(2, 3, 7)
    assert head(tokens) is tokens
    assert head.code_dim == 7 and not list(head.parameters())


def test_projection_is_two_layers_with_a_kink():
    torch.manual_seed(0)
    projection, codes = Projection(4), torch.randn(2, 3, 4)
    first, last = projection[0], projection[2]
    expected = last(torch.maximum(first(codes), torch.tensor(0.0)))
    torch.testing.assert_close(projection(codes), expected)
    assert sum(weight.numel() for weight in projection.parameters()) == 2 * (16 + 4)
