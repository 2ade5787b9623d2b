import numpy as np
import pytest
import torch

from depthg.losses.correlation import centre, correlation, correlation_loss, unit


def arrays(*shapes):
    rng = np.random.default_rng(3)
    return [rng.normal(size=shape) for shape in shapes]


def test_correlation_is_the_cosine_of_every_pair():
    a, b = arrays((2, 3, 5), (2, 4, 5))
    found = correlation(unit(torch.from_numpy(a)), unit(torch.from_numpy(b)))
    assert found.shape == (2, 3, 4)
    for crop in range(2):
        for i in range(3):
            for j in range(4):
                u, v = a[crop, i], b[crop, j]
                expected = (u * v).sum() / np.sqrt((u * u).sum() * (v * v).sum())
                assert found[crop, i, j].item() == pytest.approx(expected)


def test_correlation_by_hand():
    a = unit(torch.tensor([[[3.0, 4.0], [0.0, 2.0]]]))
    b = unit(torch.tensor([[[1.0, 0.0], [0.0, -5.0]]]))
    torch.testing.assert_close(correlation(a, b), torch.tensor([[[0.6, -0.8], [0.0, -1.0]]]))


def test_a_silent_token_correlates_with_nothing():
    tokens = torch.zeros(1, 2, 3, requires_grad=True)
    found = correlation(unit(tokens), unit(torch.ones(1, 2, 3)))
    found.sum().backward()
    assert (found == 0).all() and tokens.grad.isfinite().all()


def test_centring_moves_every_row_to_the_mean_of_the_batch():
    (f,) = arrays((2, 3, 4))
    found = centre(torch.from_numpy(f)).numpy()
    total = sum(f.flat) / f.size
    once = np.empty_like(f)
    for crop in range(2):
        for i in range(3):
            once[crop, i] = f[crop, i] - sum(f[crop, i]) / 4
    expected = once - sum(once.flat) / f.size + total
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(found.mean(-1), total)


def test_loss_is_the_mean_over_positive_code_correlations():
    s, f = arrays((2, 3, 4), (2, 3, 4))
    expected = 0.0
    for value, target in zip(s.flat, f.flat, strict=True):
        expected -= max(value, 0.0) * (target - 0.3)
    found = correlation_loss(torch.from_numpy(s), torch.from_numpy(f), 0.3)
    assert found.item() == pytest.approx(expected / s.size)


def test_loss_pulls_above_the_shift_and_pushes_below():
    codes = torch.tensor([[[0.5, 0.5, -0.5]]], requires_grad=True)
    correlation_loss(codes, torch.tensor([[[0.9, 0.1, 0.9]]]), 0.4).backward()
    torch.testing.assert_close(codes.grad, torch.tensor([[[-0.5 / 3, 0.3 / 3, 0.0]]]))


def test_short_vectors_are_scaled_but_for_those_that_are_next_to_nothing():
    lengths = unit(torch.tensor([[0.5, 0.0], [1e-9, 0.0], [1e-11, 0.0]], dtype=torch.float64)).norm(dim=-1)
    assert lengths.tolist() == pytest.approx([1.0, 1.0, 0.1])
