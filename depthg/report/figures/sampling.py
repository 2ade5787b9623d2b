"""Fig. 5: tokens of a crop sampled at random and by farthest-point sampling."""

from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch.nn.functional import adaptive_avg_pool2d

from depthg.config.settings import TrainSettings
from depthg.data.spaced import evenly_spaced
from depthg.report.figures.marks import enlarge, mark_tokens, top_view
from depthg.report.figures.panels import DEPTH_COLORS, Panel, lay_out, save
from depthg.stages.camera import CAMERAS
from depthg.store.reader import Store
from depthg.training.inputs import Inputs
from depthg.training.sampling import SAMPLERS

CROPS = 5
DOTS = (255, 235, 60)
TITLES = {"random": "random", "fps": "farthest points"}


def draw_sampling(crops: Path, inputs: Inputs, settings: TrainSettings, out: Path) -> None:
    """Write a PNG with one row per crop: depth, and the N² tokens of each sampler in the image and from above.

    Each picture shows the mean distance of a token to the nearest sample, in tokens. Where farthest points leave it
    much larger than random samples do, they are crowded in a part of the image.

    Args:
        crops: store of training crops.
        inputs: opened stores of these crops, including geometry.
        settings: training settings; N is `samples`.
    """
    store, rng = Store(crops), np.random.default_rng(0)
    rows = np.array(evenly_spaced(len(store), CROPS))
    images, depth = store.read("images", rows), inputs.required_geometry.read("depth", rows)
    panels = [Panel("depth", depth, DEPTH_COLORS)]
    for name, title in TITLES.items():
        tokens = SAMPLERS[name](inputs, rows, settings.samples**2, rng)
        notes = tuple(f"{mean_gap(chosen, inputs.grid):.1f} tokens" for chosen in tokens)
        marked = mark_tokens(enlarge(images), tokens, inputs.grid, DOTS)
        panels.append(Panel(title, marked, notes=notes))
        panels.append(Panel("from above", _top_views(inputs, images, depth, tokens)))
    save(lay_out(panels, []), out)


def _top_views(inputs: Inputs, images: np.ndarray, depth: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Top views uint8 [n, S, S, 3] of the point clouds of crops, in the colours of the tokens."""
    camera = inputs.camera
    points = CAMERAS[camera.camera].unproject(torch.from_numpy(depth).float(), camera).numpy()
    colors = token_colors(images, inputs.grid)
    size = enlarge(images).shape[1]
    views = zip(points, colors, tokens, strict=True)
    return np.stack([top_view(cloud, color, chosen, size, DOTS) for cloud, color, chosen in views])


def mean_gap(tokens: np.ndarray, grid: tuple[int, int]) -> float:
    """Mean distance, in tokens, of all tokens of a grid to the nearest of the given tokens int [n] in the image."""
    places = np.stack(np.divmod(np.arange(grid[0] * grid[1]), grid[1]), axis=1)
    return float(cKDTree(places[tokens]).query(places)[0].mean())


def token_colors(images: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Mean colour of each token of a grid (h, w): uint8 [n, H, W, 3] → [n, h·w, 3]; tokens may share pixels."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).double()
    return adaptive_avg_pool2d(pixels, grid).flatten(2).mT.round().byte().numpy()
