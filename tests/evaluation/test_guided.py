"""The guided mean against loops in float64."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.evaluation.guided import guided_mean, token_colours


@settings(max_examples=20)
@given(seed=st.integers(0, 999), h=st.integers(1, 6), w=st.integers(1, 6), radius=st.integers(0, 3))
def test_it_is_a_bilateral_filter_guided_by_colour(seed, h, w, radius):
    rng = np.random.default_rng(seed)
    values, colours = rng.normal(size=(2, h, w)), rng.random((3, h, w))
    expected = np.empty_like(values)
    for y in range(h):
        for x in range(w):
            window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            apart = np.square(colours[:, *window] - colours[:, y, x, None, None]).sum(0)
            weights = np.exp(-apart / (2 * 0.1**2))
            expected[:, y, x] = (weights * values[:, *window]).sum((1, 2)) / weights.sum()
    found = guided_mean(torch.from_numpy(values), torch.from_numpy(colours), radius)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10)


def test_without_reach_nothing_changes():
    values = torch.rand(4, 3, 5)
    torch.testing.assert_close(guided_mean(values, torch.rand(3, 3, 5), 0), values)


def test_the_colour_of_a_token_is_the_mean_of_its_pixels():
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    expected = image.reshape(3, 2, 4, 2, 3).mean((1, 3)).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(token_colours(torch.from_numpy(image), (3, 4)), expected, atol=1e-6)
