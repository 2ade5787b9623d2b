"""Elements of several places: tarmac roads, rows of houses, parked and moving cars, the horizon."""

import numpy as np

from .ground import Road
from .ground_materials import Asphalt
from .materials import pick, rgb
from .rays import Frame
from .site import Site

TARMACS = (
    rgb(0.38, 0.38, 0.39),
    rgb(0.46, 0.45, 0.44),
    rgb(0.33, 0.33, 0.36),
    rgb(0.52, 0.49, 0.45),
    rgb(0.60, 0.59, 0.57),
    rgb(0.47, 0.40, 0.36),
)


def tarmac_road(
    rng: np.random.Generator, frame: Frame, half_width: float, pavement: float, curvature: float = 0.0
) -> Road:
    """A tarmac road; two of three have lane lines."""
    marking = "lanes" if rng.random() < 0.67 else "none"
    tarmac = Asphalt(pick(rng, TARMACS), half_width, marking, rng.uniform(0, 50))
    return Road(frame, half_width, tarmac, pavement, curvature)


def row_of_blocks(site: Site, road: Road, side: int, start: float, stop: float) -> None:
    """Town houses wall to wall, with gaps for trees behind a fence."""
    rng = site.rng
    edge, along = road.half_width + road.pavement + 0.3, start
    while along < stop:
        front, deep = rng.uniform(8, 15), rng.uniform(9, 12)
        middle = along + front / 2
        if rng.random() < 0.72:
            site.block(road.at(side * (edge + deep / 2), middle), deep, front)
        else:
            site.fence(road.at(side * edge, middle, np.pi / 2), front - 0.4)
            site.tree(road.at(side * (edge + 4), middle))
            site.tree(road.at(side * (edge + 8), middle + 3))
        along += front


def parked_cars(site: Site, road: Road, side: int, start: float, stop: float, share: float) -> None:
    """Cars along the kerb, facing in the direction of travel on their side."""
    for along in np.arange(start, stop, 5.9):
        if site.rng.random() < share:
            turn = (0 if side > 0 else np.pi) + site.rng.normal(0, 0.03)
            lateral = side * (road.half_width - 1.0 + site.rng.normal(0, 0.1))
            site.car(road.at(lateral, along + site.rng.uniform(-0.4, 0.4), turn))


def traffic(site: Site, road: Road, start: float, stop: float) -> None:
    """Three cars in their lanes."""
    for along in start + (stop - start) * site.rng.random(3):
        side = 1 if site.rng.random() < 0.5 else -1
        site.car(road.at(side * 0.45 * road.half_width, along, 0 if side > 0 else np.pi))


def horizon(site: Site) -> None:
    """Woods and houses far away, which hide the end of the ground."""
    rng = site.rng
    for x in np.arange(-110, 111, 22.0):
        frame = Frame(x + rng.uniform(-6, 6), rng.uniform(85, 120), 0.0, rng.normal(0, 0.3))
        chance = rng.random()
        if chance < 0.5:
            site.wood(frame, 24.0)
        elif chance < 0.75:
            site.block(frame, rng.uniform(10, 18), 11.0)
