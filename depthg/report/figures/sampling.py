"""Fig. 5: which tokens of a crop are sampled at random, and which by their distance in space."""

from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from depthg.config.settings import TrainSettings
from depthg.evaluation.evaluate import evenly_spaced
from depthg.report.figures.marks import enlarge, from_above, mark_tokens
from depthg.report.figures.panels import DEPTH_COLORS, Panel, lay_out, save
from depthg.stages.geometry import CAMERAS
from depthg.store.reader import Store
from depthg.training.inputs import Inputs
from depthg.training.sampling import SAMPLERS

CROPS = 5
DOTS = (255, 235, 60)
TITLES = {"random": "random", "fps": "farthest points"}


def draw_sampling(crops: Path, inputs: Inputs, settings: TrainSettings, out: Path) -> None:
    """Write a PNG with a row a crop: depth, and the N² tokens of each sampler in the image and from above.

    Written into each picture: how far, in tokens, a token is from the nearest sample on average. Where farthest
    points leave it much farther than random ones, they crowd in a part of the image.

    Args:
        crops: store of training crops.
        inputs: features, neighbours and geometry of these crops.
        settings: `samples` is N.
        out: file to write.
    """
    store, rng = Store(crops), np.random.default_rng(0)
    rows = np.array(evenly_spaced(len(store), CROPS))
    images, depth = store.read("images", rows), inputs.required_geometry.read("depth", rows)
    panels = [Panel("depth", depth, DEPTH_COLORS)]
    for name, title in TITLES.items():
        tokens = SAMPLERS[name](inputs, rows, settings.samples**2, rng)
        notes = tuple(f"{gap(chosen, inputs.grid):.1f} tokens" for chosen in tokens)
        marked = mark_tokens(enlarge(images), tokens, inputs.grid, DOTS)
        panels.append(Panel(title, marked, notes=notes))
        panels.append(Panel("from above", _from_above(inputs, images, depth, tokens)))
    save(lay_out(panels, []), out)


def _from_above(inputs: Inputs, images: np.ndarray, depth: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Pictures uint8 [n, S, S, 3] of the points of crops, each in the colour of its token."""
    camera = inputs.camera
    points = CAMERAS[camera.camera].unproject(torch.from_numpy(depth).float(), camera).numpy()
    colors = token_colors(images, inputs.grid)
    size = enlarge(images).shape[1]
    views = zip(points, colors, tokens, strict=True)
    return np.stack([from_above(cloud, color, chosen, size, DOTS) for cloud, color, chosen in views])


def gap(tokens: np.ndarray, grid: tuple[int, int]) -> float:
    """The mean distance in the image from a token to the nearest of these tokens int [n], in tokens."""
    places = np.stack(np.divmod(np.arange(grid[0] * grid[1]), grid[1]), axis=1)
    return float(cKDTree(places[tokens]).query(places)[0].mean())


def token_colors(images: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The mean colour of every token: uint8 [n, H, W, 3] → [n, h·w, 3]."""
    count, height, width = images.shape[:3]
    tiles = images.reshape(count, grid[0], height // grid[0], grid[1], width // grid[1], 3)
    return tiles.mean(axis=(2, 4)).round().astype(np.uint8).reshape(count, -1, 3)
