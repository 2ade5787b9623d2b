"""Fig. 3: the neighbours with which a token's code is mixed, in 3D space and by attention."""

from pathlib import Path

import numpy as np

from depthg.data.spaced import evenly_spaced
from depthg.report.figures.marks import enlarge, mark_tokens, overlay_weights
from depthg.report.figures.panels import DEPTH_COLORS, Panel, lay_out, save
from depthg.store.reader import Store

CROPS = 5
SIDE = 3  # SIDE² query tokens per crop, evenly spaced
QUERIES = (255, 255, 255)


def draw_propagation(crops: Path, geometry: Path, attention: Path | None, out: Path) -> None:
    """Write a PNG with one row per crop: image, depth, and the mixing weights of the neighbours of some query tokens.

    Args:
        crops: store of training crops.
        geometry: geometry store of these crops, with `depth`, `neighbors` and `weights`.
        attention: attention store of these crops, or None to omit its column.
    """
    images, space = Store(crops), Store(geometry)
    rows = evenly_spaced(len(images), CROPS)
    pictures, depth = enlarge(images.read("images", rows)), space.read("depth", rows)
    grid = depth.shape[1], depth.shape[2]
    queries = query_tokens(grid)
    panels = [Panel("image", pictures), Panel("depth", depth, DEPTH_COLORS)]
    stores = {"neighbours in space": space} | ({"by attention": Store(attention)} if attention else {})
    for title, store in stores.items():
        maps = largest_weights(store.read("neighbors", rows), store.read("weights", rows), queries)
        marked = np.tile(queries, (len(rows), 1))
        glowing = overlay_weights(pictures, maps.reshape(-1, *grid))
        panels.append(Panel(title, mark_tokens(glowing, marked, grid, QUERIES)))
    save(lay_out(panels, []), out)


def query_tokens(grid: tuple[int, int]) -> np.ndarray:
    """Indices of SIDE² tokens evenly spaced on a grid (h, w), int [SIDE²]."""
    rows, columns = ((2 * np.arange(SIDE) + 1) * length // (2 * SIDE) for length in grid)
    return (rows[:, None] * grid[1] + columns).ravel()


def largest_weights(neighbors: np.ndarray, weights: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Largest weight of each token as a neighbour of any query token, float32 [n, P]; 0 for other tokens.

    Args:
        neighbors: neighbours of every token, int [n, P, k].
        weights: weights of these neighbours, float [n, P, k].
        queries: indices of the query tokens, int [m].
    """
    maps = np.zeros(neighbors.shape[:2], np.float32)
    crop = np.arange(len(maps))[:, None, None]
    near = neighbors[:, queries].astype(np.int64)
    np.maximum.at(maps, (crop, near), weights[:, queries].astype(np.float32))
    return maps
