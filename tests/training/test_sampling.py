import numpy as np
import pytest
import torch

from depthg.training.sampling import DEPTHS, PLACES, SAMPLERS


def test_released_tokens_are_read_at_the_mirrored_place():
    at = np.array([[0, 1, 7, 14]])  # of 4 × 4: (0, 0), (0, 1), (1, 3), (3, 2)
    assert PLACES["transposed"](at, (4, 4)).tolist() == [[0, 4, 13, 11]]
    assert PLACES["samples"](at, (4, 4)) is at


def test_depth_is_read_at_the_samples():
    maps = torch.arange(24.0).view(1, 4, 3, 2)
    assert DEPTHS["samples"](maps, torch.tensor([[5, 0]])).tolist() == [[[10, 11], [0, 1]]]


def test_released_depth_is_read_on_a_regular_grid_whatever_the_samples():
    maps = torch.rand(2, 4, 4, 1, generator=torch.Generator().manual_seed(0))
    found = DEPTHS["grid"](maps, torch.tensor([[3, 1, 8, 2]] * 2))
    # two samples a side of four tokens lie between the middle two of each half: the mean of a 2 × 2 block
    expected = maps.view(2, 2, 2, 2, 2).mean((2, 4)).view(2, 4, 1)
    torch.testing.assert_close(found, expected)
    assert found.shape == (2, 4, 1)


@pytest.mark.parametrize("count", [1, 9, 16])
def test_the_grid_has_as_many_values_as_samples(count):
    maps, at = torch.rand(1, 5, 5, 4), torch.zeros(1, count, dtype=torch.int64)
    assert DEPTHS["grid"](maps, at).shape == (1, count, 4)


def test_cells_give_a_token_nearest_to_each_farthest_point(stores, guided_settings):
    inputs, rows = stores.open(guided_settings), np.array([2, 0])
    centres = SAMPLERS["fps"](inputs, rows, 5, np.random.default_rng(0))
    points = inputs.places(rows)[..., 1:].flatten(1, 2).double().numpy()
    for seed in range(20):
        drawn = SAMPLERS["cells"](inputs, rows, 5, np.random.default_rng(seed))
        for cloud, own, chosen in zip(points, centres, drawn, strict=True):
            distances = np.linalg.norm(cloud[chosen][:, None] - cloud[own][None], axis=-1)
            assert (distances.argmin(1) == np.arange(5)).all()


def test_cells_reach_every_token_at_even_odds_within_a_cell(stores, guided_settings):
    inputs, row, rng = stores.open(guided_settings), np.array([3]), np.random.default_rng(0)
    drawn = np.stack([SAMPLERS["cells"](inputs, row, 4, rng)[0] for _ in range(2000)])
    tokens = [np.unique(drawn[:, cell], return_counts=True) for cell in range(4)]
    assert sorted(np.concatenate([found for found, _ in tokens])) == list(range(inputs.tokens))
    for found, counts in tokens:
        expected = 2000 / len(found)
        assert (abs(counts - expected) < 5 * expected**0.5).all()


def test_cells_of_coincident_points_are_the_farthest_points(stores, guided_settings, monkeypatch):
    inputs, row = stores.open(guided_settings), np.array([1])
    monkeypatch.setattr(type(inputs), "places", lambda self, rows: torch.zeros(len(rows), *self.grid, 4))
    drawn = SAMPLERS["cells"](inputs, row, 4, np.random.default_rng(0))
    assert drawn[0, 1:].tolist() == SAMPLERS["fps"](inputs, row, 4, np.random.default_rng(0))[0, 1:].tolist()
