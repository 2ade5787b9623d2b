import math

import numpy as np
import pytest
import torch

from depthg.config.settings import GeometrySettings
from depthg.stages.camera import CAMERAS, unproject


@pytest.mark.parametrize(("degrees", "width"), [(90, 2.0), (60, 2 / math.sqrt(3))])
def test_field_of_view_is_in_degrees(degrees, width):
    w = 10
    points = unproject(
        torch.ones(1, 4, w, dtype=torch.float64), GeometrySettings(field_of_view=degrees)
    ).reshape(4, w, 3)
    spacing = points[0, 1, 0] - points[0, 0, 0]
    assert w * spacing.item() == pytest.approx(width)  # 2·tan(fov/2) from edge to edge at z = 1
    assert points[..., 0].sum().item() == pytest.approx(0)
    assert (points[1, 0, 1] - points[0, 0, 1]).item() == pytest.approx(spacing.item())


def test_unprojection_of_single_tokens():
    depth = torch.zeros(1, 2, 4, dtype=torch.float64)
    depth[0, 1, 3] = 1.0
    points = unproject(depth, GeometrySettings(near=0.2))
    # row 0, column 0: centre 1.5 tokens left of and half a token above the axis, a token being 2/4 at z = 1
    np.testing.assert_allclose(points[0, 0], [-0.75 * 0.2, -0.25 * 0.2, 0.2])
    np.testing.assert_allclose(points[0, 1 * 4 + 3], [0.75, 0.25, 1.0])


def test_seen_in_parallel_a_token_is_as_large_near_as_far():
    depth = torch.tensor([[[0.0, 0.5], [0.25, 1.0]]], dtype=torch.float64)
    points = CAMERAS["parallel"].unproject(depth, GeometrySettings(near=0.2))
    expected = [[-0.5, -0.5, 0.2], [0.5, -0.5, 0.6], [-0.5, 0.5, 0.4], [0.5, 0.5, 1.0]]
    np.testing.assert_allclose(points[0], expected)


def test_the_released_camera_by_hand():
    depth = torch.tensor([[[0.0, 0.5], [0.25, 1.0]]], dtype=torch.float64)
    points = CAMERAS["released"].unproject(depth, GeometrySettings())
    side = 2 * math.tan(45) / 2  # 90 "radians" across two tokens: 1.62 each, 3.24 in all
    d = np.array([0, 0.5, 0.25, 1])
    x, y = np.array([-1, 0, -1, 0]) * side, np.array([-1, -1, 0, 0]) * side
    np.testing.assert_allclose(points[0], np.stack([d * x, d * y, -5 * d], 1))
    assert CAMERAS["released"].start(points).tolist() == [[0]]


def test_points_have_the_precision_of_the_depth():
    depth = torch.full((1, 3, 7), 0.3, dtype=torch.float64)
    x, y, z = unproject(depth, GeometrySettings(near=0.1)).unbind(-1)
    far = 0.1 + 0.9 * 0.3
    assert z[0, 0].item() == pytest.approx(far, rel=1e-14)
    assert x[0, 6].item() == pytest.approx(
        far * 2 / 7 * 3, rel=1e-14
    )  # the last column, 3 tokens off the axis
    assert y[0, 0].item() == pytest.approx(-far * 2 / 7, rel=1e-14)


@pytest.mark.parametrize("name", CAMERAS)
def test_a_start_is_one_whole_number_a_crop(name):
    start = CAMERAS[name].start(torch.rand(3, 5, 3))
    assert start.shape == (3, 1) and start.dtype == torch.int64


def test_the_released_camera_starts_at_the_first_token():
    assert CAMERAS["released"].start(torch.rand(2, 5, 3)).tolist() == [[0], [0]]


def test_the_central_token_is_the_one_nearest_to_the_mean_point():
    points = np.random.default_rng(0).random((6, 9, 3)) + np.array([0, 0, 5])
    expected = [min(range(9), key=lambda i: ((cloud[i] - sum(cloud) / 9) ** 2).sum()) for cloud in points]
    for name in ("pinhole", "parallel"):
        assert CAMERAS[name].start(torch.from_numpy(points))[:, 0].tolist() == expected
