"""Whole pictures: determinism, types, and agreement of image, label and depth."""

from functools import cache

import numpy as np
import pytest

from depthg.demo import CLASSES, FAR, PALETTE, View, render
from depthg.demo.camera import pinhole
from depthg.demo.classes import GRASS, ROAD, SKY
from depthg.demo.raster import ground_hits
from depthg.demo.scene import random_scene

HEIGHT, WIDTH = 72, 96
SEEDS = range(12)


@cache
def view(seed: int) -> View:
    return render(seed, HEIGHT, WIDTH)


def test_same_seed_same_bytes() -> None:
    again = render(3, HEIGHT, WIDTH)
    for name in ("image", "label", "depth"):
        assert getattr(again, name).tobytes() == getattr(view(3), name).tobytes()


def test_other_seed_other_picture() -> None:
    assert (view(3).image != view(4).image).mean() > 0.5


def test_types_and_ranges() -> None:
    one = view(0)
    assert (one.image.dtype, one.image.shape) == (np.uint8, (HEIGHT, WIDTH, 3))
    assert (one.label.dtype, one.label.shape) == (np.uint8, (HEIGHT, WIDTH))
    assert (one.depth.dtype, one.depth.shape) == (np.float32, (HEIGHT, WIDTH))
    for seed in SEEDS:
        assert view(seed).label.max() < len(CLASSES)
        assert view(seed).depth.min() > 0 and view(seed).depth.max() <= FAR


def test_every_class_has_a_colour_of_its_own() -> None:
    assert len(set(PALETTE)) == len(set(CLASSES)) == len(PALETTE) == len(CLASSES)


def test_sky_is_far() -> None:
    sky = [view(seed).depth[view(seed).label == SKY] for seed in SEEDS]
    assert sum(map(len, sky)) > 1000
    assert (np.concatenate(sky) == FAR).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_ground_depth_is_that_of_the_plane(seed: int) -> None:
    scene, one = random_scene(seed), view(seed)
    grid = pinhole(scene.eye, scene.yaw, scene.pitch, 2 * HEIGHT, 2 * WIDTH)
    plane = np.minimum(ground_hits(grid)[::2, ::2], FAR)
    ground = (one.label == ROAD) | (one.label == GRASS)
    np.testing.assert_array_equal(one.depth[ground], plane[ground])
    assert (one.depth <= plane).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_ground_recedes_towards_the_horizon(seed: int) -> None:
    one = view(seed)
    ground = (one.label == ROAD) | (one.label == GRASS)
    both = ground[1:] & ground[:-1] & (one.depth[:-1] < FAR)
    assert both.any()
    assert (one.depth[:-1][both] > one.depth[1:][both]).all()


def test_no_class_is_rare_or_dominant() -> None:
    labels = np.concatenate([view(seed).label.ravel() for seed in SEEDS])
    share = np.bincount(labels, minlength=len(CLASSES)) / labels.size
    assert share.min() > 0.02, dict(zip(CLASSES, share, strict=True))
    assert share.max() < 0.45, dict(zip(CLASSES, share, strict=True))


def test_pictures_are_neither_dark_nor_blown_out() -> None:
    means = np.array([view(seed).image.mean() for seed in SEEDS])
    assert means.min() > 50 and means.max() < 210
    assert np.std([view(seed).image for seed in SEEDS]) > 30


def test_nothing_stands_in_the_camera() -> None:
    assert all(view(seed).depth.min() > 0.5 for seed in SEEDS)
