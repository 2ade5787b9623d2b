import numpy as np
import pytest
import torch
from torch.nn import functional

from depthg.training.batch import mix
from depthg.training.sampling import DEPTH_AT, READS, SAMPLERS, TOKENS_AT, corners


def test_released_tokens_are_read_at_the_mirrored_place():
    at = np.array([[0, 1, 7, 14]])  # of 4 × 4: (0, 0), (0, 1), (1, 3), (3, 2)
    assert TOKENS_AT["transposed"](at, (4, 4)).tolist() == [[0, 4, 13, 11]]
    assert TOKENS_AT["samples"](at, (4, 4)) is at


def test_released_reads_are_between_tokens():
    at = np.array([[0, 1, 7, 14]])  # of 4 × 4: (0, 0), (0, 1), (1, 3), (3, 2)
    places = READS["bilinear"](at, (4, 4))
    np.testing.assert_allclose(places, 0.75 * np.array([[[0, 0], [0, 1], [1, 3], [3, 2]]]))
    np.testing.assert_allclose(TOKENS_AT["transposed"](places, (4, 4)), places[..., [1, 0]])
    assert READS["tokens"](at, (4, 4)) is at and READS["bilinear"](places, (4, 4)) is places
    np.testing.assert_allclose(READS["bilinear"](np.array([[7]]), (2, 5)), [[[1 / 2, 2 * 4 / 5]]])


@pytest.mark.parametrize("grid", [(4, 5), (2, 2), (7, 3)])
def test_bilinear_reads_against_grid_sample(grid):
    generator = torch.Generator().manual_seed(0)
    maps, share = torch.rand(2, *grid, 3, generator=generator), torch.rand(2, 9, 2, generator=generator)
    share[:, 0], share[:, 1] = 0, 1  # the corners
    places = share * (torch.tensor(grid) - 1)
    ids, weights = corners(places, grid)
    assert all(len(set(row)) == 4 for row in ids.flatten(0, 1).tolist())
    xy = (2 * share - 1).flip(-1)[:, None]
    expected = functional.grid_sample(maps.movedim(-1, 1), xy, align_corners=True)[:, :, 0].transpose(1, 2)
    torch.testing.assert_close(mix(maps.flatten(1, 2), ids, weights), expected)
    torch.testing.assert_close(DEPTH_AT["samples"](maps, places), expected)


def test_continuous_places_fill_the_crop_evenly(stores, settings):
    inputs = stores.open(settings)
    places = SAMPLERS["continuous"](inputs, np.arange(12), 400, np.random.default_rng(0))
    assert places.shape == (12, 400, 2) and places.min() >= 0
    for axis, length in enumerate(inputs.grid):
        counts = np.histogram(places[..., axis], bins=4, range=(0, length - 1))[0]
        assert counts.sum() == 4800 and np.abs(counts - 1200).max() < 120


def test_depth_is_read_at_the_samples():
    maps = torch.arange(24.0).view(1, 4, 3, 2)
    assert DEPTH_AT["samples"](maps, torch.tensor([[5, 0]])).tolist() == [[[10, 11], [0, 1]]]


def test_released_depth_is_read_on_a_regular_grid_whatever_the_samples():
    maps = torch.rand(2, 4, 4, 1, generator=torch.Generator().manual_seed(0))
    found = DEPTH_AT["grid"](maps, torch.tensor([[3, 1, 8, 2]] * 2))
    torch.testing.assert_close(found, maps[:, ::3, ::3].reshape(2, 4, 1))  # from corner to corner
    assert found.shape == (2, 4, 1)


@pytest.mark.parametrize("count", [1, 9, 16])
def test_the_grid_has_as_many_values_as_samples(count):
    maps, at = torch.rand(1, 5, 5, 4), torch.zeros(1, count, dtype=torch.int64)
    assert DEPTH_AT["grid"](maps, at).shape == (1, count, 4)
