"""Kinds of places: street, suburb, park, car park and junction.

Each function lays out a random place around the camera, which is at (0, 0) and looks roughly along +y: it adds solids
to the site and returns the roads.
"""

import numpy as np

from .ground import Road
from .ground_materials import BAY, BAY_ROWS, Asphalt, Gravel
from .materials import pick, rgb
from .rays import Frame
from .roadside import TARMACS, horizon, parked_cars, row_of_blocks, tarmac_road, traffic
from .site import Site

_GRAVELS = (rgb(0.66, 0.60, 0.50), rgb(0.58, 0.54, 0.49), rgb(0.50, 0.42, 0.32))


def street(site: Site) -> list[Road]:
    """A town street between rows of houses, with parked cars and some trees."""
    rng = site.rng
    start = Frame(rng.uniform(-3.5, 3.5), 0.0, 0.0, rng.normal(0, 0.06))
    road = tarmac_road(rng, start, rng.uniform(3.6, 5.2), rng.uniform(2.0, 3.5), rng.normal(0, 0.002))
    for side in (-1, 1):
        row_of_blocks(site, road, side, rng.uniform(-12, 0), 85.0)
        parked_cars(site, road, side, rng.uniform(3, 8), 60.0, 0.7)
        for along in np.arange(rng.uniform(6, 14), 60, 11.0):
            if rng.random() < 0.5:
                site.tree(road.at(side * (road.half_width + 0.8), along), 0.0)
    traffic(site, road, 7.0, 50.0)
    horizon(site)
    return [road]


def suburb(site: Site) -> list[Road]:
    """Detached houses in gardens behind board fences."""
    rng = site.rng
    start = Frame(rng.uniform(-4, 4), 0.0, 0.0, rng.normal(0, 0.08))
    road = tarmac_road(rng, start, rng.uniform(2.8, 3.6), rng.uniform(0.0, 2.0), rng.normal(0, 0.004))
    edge = road.half_width + road.pavement + 0.6
    for side in (-1, 1):
        along = rng.uniform(-8, 2)
        while along < 80:
            _garden(site, road, side, edge, along)
            along += 17.0
        parked_cars(site, road, side, rng.uniform(4, 9), 50.0, 0.35)
    traffic(site, road, 7.0, 40.0)
    horizon(site)
    return [road]


def _garden(site: Site, road: Road, side: int, edge: float, along: float) -> None:
    """A plot 17 m long: a house, its car, trees, and usually a fence in front."""
    rng = site.rng
    setback = rng.uniform(5, 9)
    width, depth = rng.uniform(8, 11), rng.uniform(8, 12)
    site.house(road.at(side * (edge + setback + width / 2), along + 7, rng.normal(0, 0.05)), width, depth)
    if rng.random() < 0.85:
        site.fence(road.at(side * edge, along + 6.5, np.pi / 2), 13.0)
        site.fence(road.at(side * (edge + 5.2), along, 0.0), 10.0)
    if rng.random() < 0.6:
        site.car(road.at(side * (edge + 2.6), along + 15.2, side * np.pi / 2))
    for _ in range(rng.integers(1, 4)):
        site.tree(road.at(side * (edge + rng.uniform(1.8, 12)), along + rng.uniform(0, 16)))
    site.bush(road.at(side * (edge + 1.6), along + rng.uniform(0, 13)))


def park(site: Site) -> list[Road]:
    """Lawns and trees around a path, a fence, and a street with cars and houses behind."""
    rng = site.rng
    far = rng.uniform(26, 48)
    path = Road(
        Frame(rng.uniform(-3, 3), 0.0, 0.0, rng.normal(0, 0.25)),
        rng.uniform(1.2, 2.4),
        Gravel(pick(rng, _GRAVELS)),
        curvature=rng.normal(0, 0.008),
        length=far,
    )
    road = tarmac_road(rng, Frame(0.0, far, 0.0, np.pi / 2 + rng.normal(0, 0.15)), 3.4, 2.0)
    parked_cars(site, road, 1 if rng.random() < 0.5 else -1, -40.0, 40.0, 0.6)
    row_of_blocks(site, road, 1, -60.0, 60.0)
    for _ in range(rng.integers(1, 4)):
        spot = path.at(rng.choice([-1, 1]) * rng.uniform(3.5, 9), rng.uniform(4, 14))
        site.fence(Frame(spot.x, spot.y, 0.0, rng.uniform(-1.3, 1.3)), rng.uniform(7, 14))
    if rng.random() < 0.45:
        site.car(path.at(rng.choice([-1, 1]) * rng.uniform(2.5, 5), rng.uniform(6, 12), rng.normal(0, 1)))
    for _ in range(rng.integers(9, 20)):
        x, y = rng.uniform(-24, 24), rng.uniform(5, far - 7)
        if abs(path.to_local(np.array([[x], [y], [0.0]]))[0, 0]) > path.half_width + 1:
            site.tree(Frame(x, y))
    horizon(site)
    return [path, road]


def car_park(site: Site) -> list[Road]:
    """Rows of parked cars on a wide tarmac, with a fence, trees and blocks around it."""
    rng = site.rng
    start = Frame(rng.uniform(-12, 12), 10.0, 0.0, rng.normal(0, 0.3))
    length = rng.uniform(22, 38)
    tarmac = Asphalt(pick(rng, TARMACS), 20.0, "bays", rng.uniform(0, 50))
    lot = Road(start, 20.0, tarmac, pavement=1.5, length=length)
    for row in BAY_ROWS:
        for bay in range(-3, int(length / BAY)):
            if rng.random() < 0.5:
                turn = (1 if rng.random() < 0.5 else -1) * np.pi / 2 + rng.normal(0, 0.04)
                site.car(lot.at(row, (bay + 0.5) * BAY, turn))
    for side in (-1, 1):
        for along in np.arange(-10, length, 12.0):
            if rng.random() < 0.6:
                site.fence(lot.at(side * 22.4, along, np.pi / 2), 11.6)
            site.tree(lot.at(side * 26.0, along))
            if rng.random() < 0.5:
                site.block(lot.at(side * 36.0, along), 12.0, 11.5)
    for lateral in np.arange(-24, 25, 13.0):
        if rng.random() < 0.6:
            site.block(lot.at(lateral, length + 12), 12.5, 11.0)
        site.tree(lot.at(lateral + 6, length + 5))
    horizon(site)
    return [lot]


def junction(site: Site) -> list[Road]:
    """Two roads that cross, with houses and trees at the corners."""
    rng = site.rng
    heading = rng.normal(0, 0.06)
    main = tarmac_road(rng, Frame(rng.uniform(-3, 3), 0.0, 0.0, heading), rng.uniform(3.5, 4.8), 2.5)
    cross = rng.uniform(10, 24)
    side_road = tarmac_road(rng, main.at(0.0, cross, np.pi / 2 + rng.normal(0, 0.15)), 3.4, 2.0)
    for side in (-1, 1):
        row_of_blocks(site, main, side, cross + 8, 85.0)
        row_of_blocks(site, main, side, cross - 24.0, cross - 8)
        parked_cars(site, main, side, cross + 9, 60.0, 0.6)
        for along in (-30, -19, -12, 12, 19, 30):
            site.tree(side_road.at(side * 7.5, along))
    traffic(site, side_road, -14.0, 14.0)
    traffic(site, main, 6.0, cross + 30.0)
    horizon(site)
    return [main, side_road]
