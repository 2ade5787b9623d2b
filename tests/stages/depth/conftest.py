"""Photographs for depth networks, and a way to run the whole depth stage on them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from depthg.config.sections import Dataset, DepthSource
from depthg.config.settings import CropSettings
from depthg.data.index import index
from depthg.stages.crops import make_crops
from depthg.stages.depth.network import Network
from depthg.stages.depth.stage import make_depth
from depthg.store.reader import Store

SIDE = 64


@pytest.fixture(scope="session")
def photographs() -> np.ndarray:
    """Two square images, uint8 [2, 64, 64, 3]."""
    return np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def miniature(tmp_path_factory) -> Callable[[str], Path]:
    """The model folder of the miniature of a family of depth networks, by its name."""
    from .miniatures import save  # takes seconds to import

    return cache(lambda name: save(name, tmp_path_factory.mktemp(name)))


@pytest.fixture
def depth_of(tmp_path, photographs) -> Callable[[DepthSource], np.ndarray]:
    """The depth stage on the photographs as validation images: float64 [2, 16, 16] as stored."""
    for place, image in enumerate([*photographs, photographs[0]]):
        path = tmp_path / "root/images" / ("train" if place == 2 else "val") / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    index("mine", Dataset(root=str(tmp_path / "root")), tmp_path)
    crops, images = tmp_path / "crops.zarr", tmp_path / "val/images.csv"
    make_crops(images, tmp_path / "classes.csv", "val", crops, CropSettings(eval_size=SIDE))

    def depth(source: DepthSource) -> np.ndarray:
        out = tmp_path / "depth.zarr"
        make_depth(crops, images, Path(tmp_path / "root"), "val", out, source)
        stored = Store(out).read("depth")
        assert stored.dtype == np.float16
        return stored.astype(np.float64)

    return depth


@pytest.fixture(scope="session")
def far() -> Callable[[np.ndarray], np.ndarray]:
    """What the store must hold of inverse depth [B, 64, 64]: averages of 4 × 4 pixels, far = 1."""

    def scaled(inverse: np.ndarray) -> np.ndarray:
        low, high = (f(inverse, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
        depth = (high - inverse) / (high - low)
        return depth.reshape(len(depth), SIDE // 4, 4, SIDE // 4, 4).mean(axis=(2, 4))

    return scaled


@pytest.fixture(scope="session")
def half_error(photographs) -> Callable[[Network], float]:
    """How far a network with float16 weights is off float32, in maps of two photographs scaled to [0, 1]."""

    def error(network: Network) -> float:
        full, before = network.model, network.raw(photographs)
        found = network._float16_error(photographs)
        assert network.model is full and network.precision == "float32"  # it was but a trial
        torch.testing.assert_close(network.raw(photographs), before, rtol=0, atol=0)
        return found

    return error
