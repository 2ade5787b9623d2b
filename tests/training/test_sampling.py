import numpy as np
import pytest
import torch

from depthg.training.sampling import DEPTH_AT, TOKENS_AT


def test_released_tokens_are_read_at_the_mirrored_place():
    at = np.array([[0, 1, 7, 14]])  # of 4 × 4: (0, 0), (0, 1), (1, 3), (3, 2)
    assert TOKENS_AT["transposed"](at, (4, 4)).tolist() == [[0, 4, 13, 11]]
    assert TOKENS_AT["samples"](at, (4, 4)) is at


def test_depth_is_read_at_the_samples():
    maps = torch.arange(24.0).view(1, 4, 3, 2)
    assert DEPTH_AT["samples"](maps, torch.tensor([[5, 0]])).tolist() == [[[10, 11], [0, 1]]]


def test_released_depth_is_read_on_a_regular_grid_whatever_the_samples():
    maps = torch.rand(2, 4, 4, 1, generator=torch.Generator().manual_seed(0))
    found = DEPTH_AT["grid"](maps, torch.tensor([[3, 1, 8, 2]] * 2))
    # two samples a side of four tokens lie between the middle two of each half: the mean of a 2 × 2 block
    expected = maps.view(2, 2, 2, 2, 2).mean((2, 4)).view(2, 4, 1)
    torch.testing.assert_close(found, expected)
    assert found.shape == (2, 4, 1)


@pytest.mark.parametrize("count", [1, 9, 16])
def test_the_grid_has_as_many_values_as_samples(count):
    maps, at = torch.rand(1, 5, 5, 4), torch.zeros(1, count, dtype=torch.int64)
    assert DEPTH_AT["grid"](maps, at).shape == (1, count, 4)
