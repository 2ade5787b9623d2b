import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from depthg.errors import DepthGError
from depthg.evaluation.codes import CodeReader
from depthg.evaluation.linear import (
    Linear,
    draw_pixels,
    fit_linear,
    linear_loss,
    sample_logits,
    sample_pixels,
)
from depthg.store.reader import Store


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 23), st.integers(1, 23))
@settings(max_examples=30, deadline=None)
def test_sampled_logits_equal_the_upsampled_map(rows, columns, height, width):
    logits = torch.randn(2, 3, rows, columns, generator=torch.Generator().manual_seed(0))
    positions = torch.arange(height * width).expand(2, -1)
    whole = functional.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)
    sampled = sample_logits(logits, positions, (height, width))
    assert torch.allclose(sampled, whole.flatten(2).transpose(1, 2), atol=2e-5)


def test_draws_are_valid_and_weigh_crops_by_their_valid_pixels():
    labels = np.full((4, 4, 4), 255, np.uint16)
    labels[0, 1:] = 1  # 12 valid pixels
    labels[1, 0] = 2  # 4
    labels[3] = 0  # all 16
    positions, weights = draw_pixels(labels, 200, np.random.default_rng(0))
    assert set(positions[0]) == set(range(4, 16))
    assert set(positions[1]) == set(range(4))
    assert set(positions[3]) == set(range(16))
    assert np.allclose(weights[:, 0] * 200, [0.375, 0.125, 0, 0.5])


def test_loss_estimates_the_mean_over_all_valid_pixels():
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    codes = torch.randn(2, 16, 5, generator=generator)
    probe = Linear(torch.randn(3, 5, generator=generator), torch.randn(3, generator=generator))
    labels = rng.integers(3, size=(2, 12, 12)).astype(np.uint16)
    labels[0, 2:] = 255  # far fewer valid pixels than in the other crop
    logits = (codes @ probe.weight.T + probe.bias).transpose(1, 2).reshape(2, 3, 4, 4)
    whole = functional.interpolate(logits, size=(12, 12), mode="bilinear", align_corners=False)
    expected = functional.cross_entropy(whole, torch.from_numpy(labels.astype(np.int64)), ignore_index=255)
    samples = (sample_pixels(labels, rng) for _ in range(100))
    drawn = torch.stack([linear_loss(probe, codes, pixels, (4, 4), (12, 12)) for pixels in samples])
    error = drawn.std() / len(drawn) ** 0.5
    assert drawn.mean() == pytest.approx(float(expected), abs=4 * float(error))
    assert error < 0.01


def fit(planted, steps: int = 60, seed: int = 0) -> Linear | None:
    reader = CodeReader(Store(planted.features("train")), lambda tokens: tokens)
    return fit_linear(
        reader, Store(planted.crops("train")), planted.n_classes, steps, batch=8, rate=0.05, seed=seed
    )


def test_learns_separable_classes(planted):
    probe = fit(planted)
    assert probe.weight.shape == (planted.n_classes, planted.channels)
    logits = np.eye(planted.n_classes, planted.channels) * 3 @ probe.weight.numpy().T + probe.bias.numpy()
    assert logits.argmax(axis=1).tolist() == [0, 1, 2]
    assert np.sort(logits, axis=1)[:, -1].min() - np.sort(logits, axis=1)[:, -2].max() > 2


def test_same_seed_same_probe(planted):
    assert torch.equal(fit(planted, 3).weight, fit(planted, 3).weight)
    assert not torch.equal(fit(planted, 3).weight, fit(planted, 3, seed=1).weight)


def test_nothing_labelled_gives_no_probe(planted):
    planted.plant("train", np.full((4, planted.side, planted.side), 255))
    assert fit(planted, 2) is None


def test_a_label_beyond_the_classes_is_named(planted):
    reader = CodeReader(Store(planted.features("train")), lambda tokens: tokens)
    with pytest.raises(DepthGError, match="label 2 is neither"):
        fit_linear(reader, Store(planted.crops("train")), 2, 1, batch=4, rate=0.1, seed=0)
