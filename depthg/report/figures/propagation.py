"""Fig. 3: how far a token shares its code, with its neighbours in space and with those by attention."""

from pathlib import Path

import numpy as np

from depthg.evaluation.evaluate import evenly_spaced
from depthg.report.figures.marks import enlarge, glow, mark_tokens
from depthg.report.figures.panels import DEPTH_COLORS, Panel, lay_out, save
from depthg.store.reader import Store

CROPS = 5
SIDE = 3  # SIDE² query tokens a crop, evenly over it
QUERIES = (255, 255, 255)


def draw_propagation(crops: Path, geometry: Path, attention: Path | None, out: Path) -> None:
    """Write a PNG with a row a crop: image, depth, and the weights of the neighbours of some tokens.

    Args:
        crops: store of training crops.
        geometry: store with the depth of these crops, and `neighbors` and `weights` in space.
        attention: store with `neighbors` and `weights` by attention; none: no such column.
        out: file to write.
    """
    images, space = Store(crops), Store(geometry)
    rows = evenly_spaced(len(images), CROPS)
    pictures, depth = enlarge(images.read("images", rows)), space.read("depth", rows)
    grid = depth.shape[1], depth.shape[2]
    queries = query_tokens(grid)
    panels = [Panel("image", pictures), Panel("depth", depth, DEPTH_COLORS)]
    stores = {"neighbours in space": space} | ({"by attention": Store(attention)} if attention else {})
    for title, store in stores.items():
        maps = spread(store.read("neighbors", rows), store.read("weights", rows), queries)
        marked = np.tile(queries, (len(rows), 1))
        glowing = glow(pictures, maps.reshape(-1, *grid))
        panels.append(Panel(title, mark_tokens(glowing, marked, grid, QUERIES)))
    save(lay_out(panels, []), out)


def query_tokens(grid: tuple[int, int]) -> np.ndarray:
    """SIDE² tokens, evenly over a grid (h, w): indices int [SIDE²]."""
    rows, columns = ((2 * np.arange(SIDE) + 1) * length // (2 * SIDE) for length in grid)
    return (rows[:, None] * grid[1] + columns).ravel()


def spread(neighbors: np.ndarray, weights: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """How much each token counts for any of the queries.

    Args:
        neighbors: of every token, int [n, P, k].
        weights: of these, float [n, P, k].
        queries: tokens int [m].

    Returns:
        The largest weight that a token has for a query, float32 [n, P]; 0 where it is no neighbour of any.
    """
    maps = np.zeros(neighbors.shape[:2], np.float32)
    crop = np.arange(len(maps))[:, None, None]
    np.maximum.at(
        maps, (crop, neighbors[:, queries].astype(np.int64)), weights[:, queries].astype(np.float32)
    )
    return maps
