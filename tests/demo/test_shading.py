"""The ground, its zones, shadows, noise and the textures that are made of them."""

import numpy as np
import pytest

from depthg.demo.camera import pinhole
from depthg.demo.classes import GRASS, ROAD
from depthg.demo.ground import Ground, Road
from depthg.demo.ground_materials import Asphalt, Grass, Gravel, Slabs
from depthg.demo.materials import rgb, stripes
from depthg.demo.noise import NoiseTile, cell_hash, mottle
from depthg.demo.raster import ground_hits
from depthg.demo.rays import Frame
from depthg.demo.shadow import ShadowMap
from depthg.demo.shapes import Shape
from depthg.demo.solids import box

GREY = rgb(0.5, 0.5, 0.5)


def columns(*points: tuple[float, float, float]) -> np.ndarray:
    """Points as float32 [3, N]."""
    return np.array(points, np.float32).T


def test_ground_depth_of_a_level_camera() -> None:
    height, width, eye = 60, 80, 1.7
    depth = ground_hits(pinhole(np.array([3.0, -2.0, eye]), 0.4, 0.0, height, width))
    focal = 0.5 * width / np.tan(np.deg2rad(32))
    below = np.arange(height) + 0.5 - height / 2
    expected = np.where(below > 0, eye * focal / np.where(below > 0, below, 1), np.inf)
    np.testing.assert_allclose(depth, np.repeat(expected[:, None], width, axis=1), rtol=1e-5)


@pytest.mark.parametrize("pitch", [0.1, 0.3, 1.2])
def test_ground_depth_on_the_axis_of_a_lowered_camera(pitch: float) -> None:
    depth = ground_hits(pinhole(np.array([0.0, 0.0, 2.0]), 0.0, -pitch, 41, 41))
    assert depth[20, 20] == pytest.approx(2.0 / np.sin(pitch), rel=1e-5)


def crossing() -> Ground:
    """A road with pavement along y, and a path that crosses it at y = 20."""
    tarmac = Asphalt(GREY, half_width=3.0, marking="lanes", seed=0.0)
    street = Road(Frame(), 3.0, tarmac, pavement=2.0)
    path = Road(Frame(0.0, 20.0, 0.0, np.pi / 2), 1.0, Gravel(GREY))
    return Ground(Grass(GREY, GREY, 0.0), Slabs(GREY, 0.5), (street, path))


def test_zones_of_the_ground() -> None:
    ground = crossing()
    points = columns((0, 5, 0), (4, 5, 0), (6, 5, 0), (6, 20, 0), (0, 20, 0))
    index = ground.zone_index(points)
    assert index.tolist() == [1, 3, 0, 2, 1]
    labels = [ground.zones()[zone].label for zone in index]
    assert labels == [ROAD, ROAD, GRASS, ROAD, ROAD]


def test_lane_lines_stop_at_a_crossing() -> None:
    street = crossing().zones()[1].material
    assert isinstance(street, Asphalt)
    edge = np.full(2, 2.75, np.float32)
    lines = street._lines(edge, np.array([5.0, 20.0], np.float32), np.full(2, 0.01, np.float32))
    assert lines.tolist() == [1.0, 0.0]


def test_curved_road_is_found_where_it_says_it_is() -> None:
    road = Road(Frame(2.0, -1.0, 0.0, 0.3), 2.0, Gravel(GREY), curvature=0.01)
    on_middle = road.at(0.0, 30.0).position[:, None]
    np.testing.assert_allclose(road.to_local(on_middle)[:2, 0], [0.0, 30.0], atol=1e-5)
    assert road.inside(on_middle).all()


def shadow_of(shape: Shape, towards_light: tuple[float, float, float]) -> ShadowMap:
    return ShadowMap([shape], np.array(towards_light), (0.0, 0.0), 40.0, 400)


@pytest.mark.parametrize(
    ("point", "light"),
    [
        pytest.param((0.0, 0.0, 0.0), 1.0, id="below the slab, but the sun comes in from the side"),
        pytest.param((-5.0, 0.0, 0.0), 0.0, id="where the shadow falls"),
        pytest.param((-2.5, 0.0, 2.5), 0.0, id="in mid-air on the way there"),
        pytest.param((2.0, 0.0, 7.0), 1.0, id="above the slab"),
        pytest.param((-5.0, 4.0, 0.0), 1.0, id="beside the shadow"),
    ],
)
def test_shadow_falls_away_from_the_sun(point: tuple[float, float, float], light: float) -> None:
    shadow = shadow_of(box(Frame(0, 0, 5), 4, 4, 0.5), (0.5**0.5, 0.0, 0.5**0.5))
    up = columns((0, 0, 1))
    assert shadow.lit(columns(point), up, np.zeros((2, 1), np.float32)).item() == light


def test_crowding_is_strong_under_a_thing_and_gone_far_from_it() -> None:
    shadow = shadow_of(box(Frame(0, 0, 0.4), 4, 4, 1), (0.0, 0.0, 1.0))
    inside, edge, outside = shadow.crowding(columns((0, 0, 0), (2, 0, 0), (9, 9, 0)), reach=0.5)
    assert inside == pytest.approx(1, abs=0.01)
    assert edge == pytest.approx(0.5, abs=0.1)
    assert outside == pytest.approx(0, abs=0.01)


def test_noise_repeats_after_its_size() -> None:
    tile, u = NoiseTile(1.0, seed=5), np.linspace(0, 3, 50, dtype=np.float32)
    period = NoiseTile.SIZE * 0.25
    moved = tile.sample(u + period, u - period, 0.25, 0.0)
    np.testing.assert_allclose(tile.sample(u, u, 0.25, 0.0), moved, atol=1e-3)


def test_noise_fades_with_distance() -> None:
    u, v = np.random.default_rng(0).uniform(0, 50, (2, 4000)).astype(np.float32)
    spread = [mottle().sample(u, v, 0.1, footprint).std() for footprint in (0.0, 0.8, 6.4, 1e4)]
    assert spread[0] == pytest.approx(1, abs=0.15)
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < 0.01


def test_cell_hash_is_uniform_and_repeatable() -> None:
    rows, cells = np.indices((100, 100)) - 50
    value = cell_hash(rows, cells)
    np.testing.assert_array_equal(value, cell_hash(rows.astype(np.float32), cells))
    assert value.min() >= 0 and value.max() < 1
    counts, _ = np.histogram(value, bins=10, range=(0, 1))
    assert counts.min() > 800 and counts.max() < 1200


def test_stripes_near_and_far() -> None:
    x = np.array([0.0, 0.04, 0.06, 0.5, 1.0], np.float32)
    assert stripes(x, 1.0, 0.1, np.full(5, 1e-3)).tolist() == [1, 1, 0, 0, 1]
    np.testing.assert_allclose(stripes(x, 1.0, 0.1, np.full(5, 3.0)), 0.1, rtol=1e-5)
