"""Hits of rays with shapes against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.demo.camera import RayGrid, parallel, pinhole
from depthg.demo.quadrics import Ellipsoid, Frustum
from depthg.demo.raster import trace_nearest
from depthg.demo.rays import Frame
from depthg.demo.shapes import Shape
from depthg.demo.solids import box, gabled, roof_slab

SIZE = 101
CENTRE = SIZE // 2, SIZE // 2
EYE_HEIGHT = 1.5


def level_camera() -> RayGrid:
    """A camera at (0, 0, 1.5) that looks along +y; the ray of its middle pixel is the y axis."""
    return pinhole(np.array([0.0, 0.0, EYE_HEIGHT]), 0.0, 0.0, SIZE, SIZE)


def middle_depth(shape: Shape) -> float:
    nearest, _ = trace_nearest([shape], level_camera())
    return float(nearest[CENTRE])


@pytest.mark.parametrize(
    ("shape", "depth"),
    [
        pytest.param(Ellipsoid(Frame(0, 10, EYE_HEIGHT), np.array([2.0, 2.0, 2.0])), 8.0, id="sphere"),
        pytest.param(Ellipsoid(Frame(0, 10, EYE_HEIGHT), np.array([1.0, 3.0, 1.0])), 7.0, id="ellipsoid"),
        pytest.param(
            Ellipsoid(Frame(0, 10, EYE_HEIGHT, np.pi / 2), np.array([1.0, 3.0, 1.0])),
            9.0,
            id="turned ellipsoid",
        ),
        pytest.param(box(Frame(0, 10, 0), 4, 2, 3), 9.0, id="box"),
        pytest.param(box(Frame(0, 10, 0, np.pi / 4), 2, 2, 3), 10 - np.sqrt(2), id="box seen at its edge"),
        pytest.param(Frustum(Frame(0, 10, 0), 2, 2, 4), 8.0, id="cylinder"),
        pytest.param(Frustum(Frame(0, 10, 0), 2, 0, 3), 9.0, id="cone, at half its height"),
        pytest.param(Frustum(Frame(0, 10, 0), 1, 3, 3), 8.0, id="funnel, at half its height"),
        # The eye is half way up the roof, so it looks at the middle of the slope.
        pytest.param(gabled(Frame(0, 20, 0, np.pi / 2), 8, 6, 0.5, 2.5), 18.0, id="roof slope"),
    ],
)
def test_hit_on_the_optical_axis(shape: Shape, depth: float) -> None:
    assert middle_depth(shape) == pytest.approx(depth, rel=1e-5)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(box(Frame(0, -10, 0), 4, 2, 3), id="behind the camera"),
        pytest.param(box(Frame(0, 10, 0), 4, 2, 1), id="too low"),
        pytest.param(Frustum(Frame(0, 10, 0), 2, 0, 1.4), id="cone below: its mirror image does not count"),
        pytest.param(Ellipsoid(Frame(0, 10, 4), np.array([2.0, 2.0, 2.0])), id="too high"),
    ],
)
def test_miss_is_infinite(shape: Shape) -> None:
    assert middle_depth(shape) == np.inf


def test_depth_is_measured_along_the_axis_not_the_ray() -> None:
    nearest, _ = trace_nearest([box(Frame(0, 10, -50), 100, 2, 100)], level_camera())
    np.testing.assert_allclose(nearest, 9.0, rtol=1e-5)


def test_wall_beside_the_camera_reaches_to_the_border() -> None:
    """The box crosses the camera's plane, where a plain projection of its corners is useless."""
    grid = level_camera()
    nearest, _ = trace_nearest([box(Frame(4, 15, 0), 2, 50, 3)], grid)
    right = grid.directions()[0][SIZE // 2]
    expected = np.where((right > 0) & (3 / np.maximum(right, 1e-9) < 40), 3 / np.maximum(right, 1e-9), np.inf)
    np.testing.assert_allclose(nearest[SIZE // 2], expected, rtol=1e-4)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_shape_wins(order: tuple[int, int]) -> None:
    shapes = [box(Frame(0, 10, 0), 4, 2, 3), box(Frame(0, 6, 0), 1, 1, 3)]
    nearest, index = trace_nearest([shapes[i] for i in order], level_camera())
    assert nearest[CENTRE] == pytest.approx(5.5)
    assert index[CENTRE] == order.index(1)
    assert index[0, 0] == -1


def test_parallel_rays_fall_onto_a_box() -> None:
    grid = parallel((0.0, 0.0), np.array([0.0, 0.0, 1.0]), extent=20.0, top=60.0, size=40)
    nearest, _ = trace_nearest([box(Frame(0, 0, 0), 4, 8, 3)], grid)
    assert np.isfinite(nearest).sum() == 4 * 8 / (20 / 40) ** 2
    np.testing.assert_allclose(nearest[np.isfinite(nearest)], 57.0, rtol=1e-5)


def test_roof_slabs_lie_on_the_house() -> None:
    slab = roof_slab(Frame(), 1, 8, 6, eaves=3, ridge=5)
    on_slope = np.array([2.0, 0.0, 4.0])
    below, above = slab.planes[1], slab.planes[0]
    assert below[:3] @ on_slope == pytest.approx(below[3])
    assert above[:3] @ on_slope < above[3]


@pytest.mark.parametrize(
    ("shape", "point", "normal"),
    [
        pytest.param(box(Frame(), 4, 2, 3), [2.0, 0.3, 1.0], [1, 0, 0], id="box side"),
        pytest.param(box(Frame(), 4, 2, 3), [0.5, 0.3, 3.0], [0, 0, 1], id="box top"),
        pytest.param(
            Ellipsoid(Frame(), np.array([1.0, 2.0, 3.0])), [0.0, -2.0, 0.0], [0, -1, 0], id="ellipsoid"
        ),
        pytest.param(Frustum(Frame(), 1, 0, 1), [0.5, 0.0, 0.5], [0.5**0.5, 0, 0.5**0.5], id="cone"),
    ],
)
def test_normals_point_outwards(shape: Shape, point: list[float], normal: list[float]) -> None:
    normals = shape.normals(np.array([point], np.float32).T)
    np.testing.assert_allclose(normals[:, 0], normal, atol=1e-5)


metres = st.floats(-20, 20)


@given(x=metres, y=metres, z=metres, yaw=st.floats(-4, 4), point=st.tuples(metres, metres, metres))
def test_frames_undo_themselves(x: float, y: float, z: float, yaw: float, point: tuple) -> None:
    frame, points = Frame(x, y, z, yaw), np.array([point]).T
    np.testing.assert_allclose(frame.to_world(frame.to_local(points)), points, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    place=st.tuples(st.floats(-4, 4), st.floats(8, 30), st.floats(-1, 4)),
    yaw=st.floats(-3, 3),
    radii=st.tuples(st.floats(0.5, 3), st.floats(0.5, 3), st.floats(0.5, 3)),
)
def test_hits_lie_on_the_ellipsoid(place: tuple, yaw: float, radii: tuple) -> None:
    grid, shape = level_camera(), Ellipsoid(Frame(*place, yaw), np.array(radii))
    nearest, _ = trace_nearest([shape], grid)
    row, column = np.nonzero(np.isfinite(nearest))
    directions = grid.direction[0] + np.outer(column, grid.direction[1]) + np.outer(row, grid.direction[2])
    points = grid.origin[0] + nearest[row, column, None] * directions
    local = shape.frame.to_local(points.T) / shape.radii[:, None]
    np.testing.assert_allclose((local**2).sum(axis=0), 1.0, atol=0.02)
