from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from depthg.config.settings import GeometrySettings, TrainSettings
from depthg.stages.geometry import make_geometry
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer
from depthg.training.inputs import Inputs, open_inputs

CROPS, GRID, CHANNELS = 12, (4, 5), 8


@dataclass(frozen=True)
class Stores:
    """Paths of a small set of stores and what is in them."""

    features: Path
    neighbors: Path
    geometry: Path
    tokens: np.ndarray
    ids: np.ndarray
    depth: np.ndarray

    def open(self, settings: TrainSettings) -> Inputs:
        return open_inputs(self.features, self.neighbors, settings, geometry=self.geometry)


def write(path: Path, provenance: dict, **values: np.ndarray) -> Store:
    arrays = {name: Array(value.shape[1:], str(value.dtype)) for name, value in values.items()}
    rows = len(next(iter(values.values())))
    writer = Writer(path, rows, arrays, provenance)
    writer.write(range(rows), **values)
    writer.finish()
    return Store(path)


@pytest.fixture(scope="session")
def stores(tmp_path_factory) -> Stores:
    """Tokens that fall into three clusters, ring neighbours, and depth that differs everywhere."""
    root, rng = tmp_path_factory.mktemp("stores"), np.random.default_rng(0)
    centres = rng.normal(size=(3, CHANNELS))
    cluster = rng.integers(3, size=(CROPS, *GRID))
    tokens = (centres[cluster] + 0.3 * rng.normal(size=(CROPS, *GRID, CHANNELS))).astype(np.float16)
    ids = np.stack([(row + np.arange(1, 5)) % CROPS for row in range(CROPS)]).astype(np.int32)
    depth = rng.random((CROPS, *GRID)).astype(np.float16)
    source = write(root / "features.zarr", {"made": "features"}, tokens=tokens)
    image = np.repeat(np.arange(4), 3).astype(np.int32)
    write(root / "neighbors.zarr", {"features": source.fingerprint}, ids=ids, image=image)
    write(root / "depth.zarr", {}, depth=depth)
    settings = GeometrySettings(order_length=12)
    make_geometry(root / "depth.zarr", root / "features.zarr", root / "geometry.zarr", settings)
    return Stores(
        *(root / f"{name}.zarr" for name in ("features", "neighbors", "geometry")), tokens, ids, depth
    )


SETTINGS = TrainSettings(
    code_dim=4, batch=4, samples=3, negatives=2, neighbors=3, steps=8, learning_rate=5e-3
)


@pytest.fixture
def settings() -> TrainSettings:
    """Few steps on few tokens, without depth."""
    return SETTINGS


@pytest.fixture
def guided_settings() -> TrainSettings:
    """The same with everything that depth can do."""
    return SETTINGS.model_copy(update={"sampling": "fps", "depth_loss": "product", "lhp": "depth"})
