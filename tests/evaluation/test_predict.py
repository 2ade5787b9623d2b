"""What is enlarged, logits, codes or guided probabilities: against values worked out by hand and in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.evaluation.linear import Linear
from depthg.evaluation.predict import ENLARGED
from depthg.evaluation.probes import Probes

AXES = torch.eye(2)


def maps(enlarged, probes, codes, grid, size):
    return list(ENLARGED[enlarged](probes, codes, grid, np.zeros((len(codes), *size, 3), np.uint8)))


def test_between_two_tokens_the_cosines_are_halved_or_those_of_the_code_between():
    """One row of two tokens, (1, 0) and (0, 3), on three pixels: the middle one lies between them."""
    codes, probes = torch.tensor([[[1.0, 0.0], [0.0, 3.0]]]), Probes(AXES, None)
    (of_logits,) = maps("logits", probes, codes, (1, 2), (1, 3))
    np.testing.assert_allclose(of_logits["unsupervised"][:, 0], [[2, 1, 0], [0, 1, 2]], atol=1e-6)
    (of_codes,) = maps("codes", probes, codes, (1, 2), (1, 3))
    middle = 2 * np.array([0.5, 1.5]) / np.sqrt(0.5**2 + 1.5**2)
    expected = [[2, middle[0], 0], [0, middle[1], 2]]
    np.testing.assert_allclose(of_codes["unsupervised"][:, 0], expected, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), rows=st.integers(1, 4), columns=st.integers(1, 4), scale=st.integers(1, 5))
def test_a_linear_probe_does_not_care(seed, rows, columns, scale):
    torch.manual_seed(seed)
    codes = torch.randn(2, rows * columns, 3)
    probes = Probes(torch.eye(3), Linear(torch.randn(4, 3), torch.randn(4)))
    size = rows * scale + 1, columns * scale
    both = [maps(enlarged, probes, codes, (rows, columns), size) for enlarged in ("logits", "codes")]
    for of_logits, of_codes in zip(*both, strict=True):
        assert of_codes["linear"].shape == (4, *size)
        torch.testing.assert_close(of_logits["linear"], of_codes["linear"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("enlarged", ["logits", "codes"])
def test_at_the_size_of_the_grid_both_are_the_probes_themselves(enlarged):
    torch.manual_seed(0)
    codes, probes = torch.randn(3, 6, 2), Probes(AXES, None)
    found = maps(enlarged, probes, codes, (2, 3), (2, 3))
    expected = probes.logits(codes)["unsupervised"].transpose(1, 2).unflatten(2, (2, 3))
    torch.testing.assert_close(torch.stack([own["unsupervised"] for own in found]), expected)


def test_guided_probabilities_keep_to_their_colour():
    """Four tokens in a row, black, black, white, white; the second black one is unsure, and leans to the wrong side."""
    codes = torch.tensor([[[1.0, 0.0], [0.5, 0.52], [0.0, 1.0], [0.0, 1.0]]])
    image = np.repeat(np.array([0, 0, 255, 255], np.uint8), 2)[None, None, :, None].repeat(2, 1).repeat(3, 3)
    probes = Probes(AXES, None)
    (plain,) = ENLARGED["logits"](probes, codes, (1, 4), image)
    (guided,) = ENLARGED["guided"](probes, codes, (1, 4), image)
    assert plain["unsupervised"].argmax(0)[0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert guided["unsupervised"].argmax(0)[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    torch.testing.assert_close(guided["unsupervised"].softmax(0).sum(0), torch.ones(2, 8))
    cosines = np.array([[1, 0], [0.5, 0.52] / np.hypot(0.5, 0.52)])
    sure = np.exp(10 * cosines) / np.exp(10 * cosines).sum(1, keepdims=True)
    np.testing.assert_allclose(guided["unsupervised"][:, 0, 0].exp(), sure.mean(0), atol=1e-5)


def test_among_one_colour_guided_votes_are_those_of_the_neighbourhood():
    torch.manual_seed(0)
    codes, probes = torch.randn(1, 36, 2), Probes(AXES, Linear(torch.randn(3, 2), torch.randn(3)))
    (found,) = maps("guided", probes, codes, (6, 6), (6, 6))
    logits = probes.logits(codes)["linear"][0].double()
    sure = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    votes = sure.reshape(6, 6, 3)[:2, :2].mean((0, 1))  # a corner sees its own side only
    np.testing.assert_allclose(found["linear"][:, 0, 0].exp(), votes, atol=1e-5)
