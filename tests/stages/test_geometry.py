import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.config.settings import GeometrySettings
from depthg.errors import DepthGError
from depthg.stages.camera import CAMERAS, central_token, unproject
from depthg.stages.geometry import (
    farthest_point_order,
    geometry_arrays,
    make_geometry,
    nearest_tokens,
    pool_depth,
)
from depthg.store.arrays import Array
from depthg.store.begun import unit_of
from depthg.store.reader import Store
from depthg.store.writer import Writer

clouds = st.builds(
    lambda seed, b, p: np.random.default_rng(seed).normal(size=(b, p, 3)),
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.integers(2, 30),
)


def greedy_order(points: np.ndarray, n: int) -> list[int]:
    centroid = sum(points) / len(points)
    order = [min(range(len(points)), key=lambda i: ((points[i] - centroid) ** 2).sum())]
    while len(order) < n:
        best, farthest = -1, -1.0
        for i in range(len(points)):
            gap = min(((points[i] - points[j]) ** 2).sum() for j in order)
            if i not in order and gap > farthest:
                best, farthest = i, gap
        order.append(best)
    return order


def test_pooling_is_the_mean_over_each_token():
    depth = torch.arange(24.0).reshape(1, 4, 6)
    pooled = pool_depth(depth, (2, 3))
    expected = [[(0 + 1 + 6 + 7) / 4, 5.5, 7.5], [15.5, 17.5, 19.5]]
    torch.testing.assert_close(pooled[0], torch.tensor(expected))


def order_of(points, n):
    return farthest_point_order(points, n, central_token(points))


def test_pooling_keeps_depth_a_fraction():
    depth = torch.rand(2, 8, 8)
    pooled = pool_depth(depth, (4, 4))
    assert pooled.is_floating_point()
    assert pooled.unique().numel() == 32  # neither rounded nor cast
    assert pooled.min() > 0 and pooled.max() < 1


@given(clouds)
@settings(max_examples=25, deadline=None)
def test_order_is_the_greedy_one_and_nested(points):
    n = points.shape[1]
    order = order_of(torch.from_numpy(points), n)
    for row, cloud in zip(order.tolist(), points, strict=True):
        assert row == greedy_order(cloud, n)
    half = order_of(torch.from_numpy(points), n // 2)
    assert torch.equal(half, order[:, : n // 2])


def test_order_of_coincident_points_takes_each_once():
    order = order_of(torch.zeros(2, 7, 3), 7)
    assert order.tolist() == [list(range(7))] * 2


def test_order_follows_depth():
    depth = torch.zeros(1, 5, 5)
    depth[0, 1, 3] = 1.0  # the one far token, and not on the diagonal
    points = unproject(depth, GeometrySettings())
    assert order_of(points, 2)[0, 1] == 1 * 5 + 3


def test_farthest_points_crowd_where_it_is_far_unless_seen_in_parallel():
    depth = torch.cat([torch.ones(1, 10, 20), torch.linspace(0.4, 0, 10)[None, :, None].expand(1, 10, 20)], 1)
    far = {}
    for name in ("pinhole", "parallel"):
        camera = CAMERAS[name]
        points = camera.unproject(depth, GeometrySettings())
        far[name] = (farthest_point_order(points, 50, camera.start(points)) < 200).float().mean().item()
    assert far["pinhole"] > 0.7
    assert far["parallel"] == pytest.approx(0.5, abs=0.1)


def test_released_integer_depth_makes_farthest_points_a_raster():
    camera = CAMERAS["released"]
    points = camera.unproject(torch.rand(2, 4, 5).floor(), GeometrySettings())
    assert farthest_point_order(points, 12, camera.start(points)).tolist() == [list(range(12))] * 2


@given(clouds)
@settings(max_examples=25, deadline=None)
def test_nearest_tokens_against_sorting(points):
    k = min(5, points.shape[1])
    ids, weights = nearest_tokens(torch.from_numpy(points), k)
    for b, cloud in enumerate(points):
        for i, point in enumerate(cloud):
            distances = np.sqrt(((cloud - point) ** 2).sum(1))
            expected = np.argsort(distances, kind="stable")[:k]
            assert ids[b, i].tolist() == expected.tolist()
            share = np.exp(-distances[expected] / (distances[expected].sum() / (k - 1)))
            np.testing.assert_allclose(weights[b, i], share / share.sum(), rtol=1e-4)


def test_eight_neighbours_begin_with_the_token_and_weigh_one():
    points = unproject(torch.rand(2, 6, 7), GeometrySettings())
    ids, weights = nearest_tokens(points, 8)
    assert ids.shape == weights.shape == (2, 42, 8)
    assert torch.equal(ids[..., 0], torch.arange(42).expand(2, 42))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 42))
    assert (weights.diff(dim=-1) <= 1e-7).all()
    assert (weights[..., 0] > weights[..., -1]).all()


@pytest.mark.parametrize("k", [1, 4, 9])
def test_coincident_points_share_evenly(k):
    ids, weights = nearest_tokens(torch.zeros(1, 9, 3), k)
    assert ids[0, :, 0].tolist() == list(range(9))
    assert all(len(set(row)) == k for row in ids[0].tolist())
    torch.testing.assert_close(weights, torch.full((1, 9, k), 1 / k))


def make_stores(root, crops=5, grid=(4, 6), depths=None):
    depths = crops if depths is None else depths
    maps = np.random.default_rng(0).random((depths, 16, 24)).astype(np.float16)
    maps[0] = 0.5
    writer = Writer(root / "depth.zarr", depths, {"depth": Array((16, 24), "float16")}, {})
    writer.write(range(depths), depth=maps)
    writer.finish()
    writer = Writer(root / "features.zarr", crops, {"tokens": Array((*grid, 3), "float16")}, {})
    writer.write(range(crops), tokens=np.zeros((crops, *grid, 3)))
    writer.finish()
    return maps


SMALL = GeometrySettings(order_length=9)


def test_stage_writes_what_the_functions_give(tmp_path, monkeypatch):
    maps = make_stores(tmp_path)
    monkeypatch.setattr("depthg.stages.geometry.BATCH", 2)
    make_geometry(tmp_path / "depth.zarr", tmp_path / "features.zarr", tmp_path / "out.zarr", SMALL)
    store = Store(tmp_path / "out.zarr")
    pooled = maps.astype(np.float64).reshape(5, 4, 4, 6, 4).mean((2, 4))
    np.testing.assert_allclose(store.read("depth"), pooled, atol=1e-3)
    for row, order in enumerate(store.read("order")):
        points = unproject(torch.from_numpy(pooled[row : row + 1]).float(), GeometrySettings())
        assert order.tolist() == order_of(points, 9)[0].tolist()
    assert store.read("neighbors").shape == (5, 24, 8)
    np.testing.assert_allclose(store.read("weights").astype(float).sum(-1), 1, atol=4e-3)
    assert unit_of(tmp_path / "out.zarr") == 2
    upstream = {"depth": Store(tmp_path / "depth.zarr"), "features": Store(tmp_path / "features.zarr")}
    assert store.expect(**upstream).provenance["settings"] == SMALL.model_dump()


def test_more_neighbours_than_tokens(tmp_path):
    make_stores(tmp_path)
    settings = SMALL.model_copy(update={"lhp_neighbors": 25})
    with pytest.raises(DepthGError, match=r"lhp_neighbors: 25 .* has 24: set lhp_neighbors to at most 24"):
        make_geometry(tmp_path / "depth.zarr", tmp_path / "features.zarr", tmp_path / "out.zarr", settings)


def test_an_order_is_never_longer_than_the_crop_has_tokens(tmp_path):
    make_stores(tmp_path)
    make_geometry(
        tmp_path / "depth.zarr", tmp_path / "features.zarr", tmp_path / "out.zarr", GeometrySettings()
    )
    order = Store(tmp_path / "out.zarr").read("order")
    assert order.shape == (5, 24) and (np.sort(order) == np.arange(24)).all()


def test_depth_of_other_crops(tmp_path):
    make_stores(tmp_path, depths=4)
    with pytest.raises(DepthGError, match="are of different crops"):
        make_geometry(tmp_path / "depth.zarr", tmp_path / "features.zarr", tmp_path / "out.zarr", SMALL)


def test_depth_that_is_not_finite(tmp_path):
    maps = make_stores(tmp_path)
    maps[3, 2, 2] = np.inf
    writer = Writer(tmp_path / "bad.zarr", 5, {"depth": Array((16, 24), "float16")}, {})
    writer.write(range(5), depth=maps)
    writer.finish()
    with pytest.raises(DepthGError, match="depth of rows 0–4 is not finite"):
        make_geometry(tmp_path / "bad.zarr", tmp_path / "features.zarr", tmp_path / "out.zarr", SMALL)


def test_as_many_neighbours_as_tokens_by_distance(tmp_path):
    make_stores(tmp_path)
    settings = SMALL.model_copy(update={"lhp_neighbors": 24})
    make_geometry(tmp_path / "depth.zarr", tmp_path / "features.zarr", tmp_path / "out.zarr", settings)
    near = Store(tmp_path / "out.zarr").read("neighbors")
    assert (near[..., 0] == np.arange(24)).all() and (np.sort(near) == np.arange(24)).all()


def test_many_coincident_neighbours_keep_their_order_by_distance():
    line = torch.zeros(1, 60, 3)
    line[0, :, 0] = torch.arange(60) // 2  # pairs of tokens at one place
    ids, weights = nearest_tokens(line, 40)
    apart = (line[0, ids[0], 0] - line[0, :, None, 0]).abs()
    assert ids.dtype == torch.int64 and (ids[0, :, 0] == torch.arange(60)).all()
    assert (apart.diff(dim=1) >= 0).all() and (weights.diff(dim=2) <= 0).all()


def test_an_order_is_made_of_whole_numbers():
    order = order_of(torch.rand(2, 6, 3), 4)
    assert order.dtype == torch.int64


def test_what_training_reads_at_random_is_not_compressed():
    arrays = geometry_arrays((4, 6), SMALL)
    assert {name: (array.dtype, array.compress) for name, array in arrays.items()} == {
        "depth": ("float16", False),
        "order": ("uint16", False),
        "neighbors": ("uint16", False),
        "weights": ("float16", False),
    }
