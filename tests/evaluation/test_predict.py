"""What is enlarged, logits or codes: against values worked out by hand and in float64."""

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
    return list(ENLARGED[enlarged](probes, codes, grid, size))


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


@pytest.mark.parametrize("enlarged", ENLARGED)
def test_at_the_size_of_the_grid_both_are_the_probes_themselves(enlarged):
    torch.manual_seed(0)
    codes, probes = torch.randn(3, 6, 2), Probes(AXES, None)
    found = maps(enlarged, probes, codes, (2, 3), (2, 3))
    expected = probes.logits(codes)["unsupervised"].transpose(1, 2).unflatten(2, (2, 3))
    torch.testing.assert_close(torch.stack([own["unsupervised"] for own in found]), expected)
