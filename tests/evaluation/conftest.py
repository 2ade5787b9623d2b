"""A small planted data set in stores: quadrants of classes, whose tokens are noisy prototypes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from depthg.config.settings import TrainSettings
from depthg.models.checkpoint import Model, save_model
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

HEADER = "id,name,red,green,blue\n"
COLORS = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]])


class Planted:
    """Paths of the planted data set, and what makes another one."""

    side, grid, channels, n_classes = 32, 8, 6, 3

    def __init__(self, root: Path):
        self.root, self.rng = root, np.random.default_rng(0)
        self.classes, self.model = root / "classes.csv", root / "model.safetensors"

    def features(self, split: str) -> Path:
        return self.root / split / "features.zarr"

    def crops(self, split: str) -> Path:
        return self.root / split / "crops.zarr"

    def mirrored(self, split: str) -> Path:
        return self.root / split / "mirrored.zarr"

    def plant_mirrored(self, split: str, tokens: np.ndarray, **changed: Any) -> None:
        """Write tokens as those of the mirrored crops, with changes to what the store says of its origin."""
        provenance = Store(self.features(split)).provenance | {"mirrored": True} | changed
        write_store(self.mirrored(split), {"tokens": tokens}, **provenance)

    def forget_labels(self) -> None:
        """Leave only the header of classes.csv."""
        self.classes.write_text(HEADER)

    def labels(self, count: int) -> np.ndarray:
        """Label maps [count, side, side] of quadrants; the two topmost rows are void."""
        half = self.side // 2
        labels = self.rng.integers(self.n_classes, size=(count, 2, 2)).repeat(half, 1).repeat(half, 2)
        labels[:, :2] = 255
        return labels

    def plant(self, split: str, labels: np.ndarray) -> None:
        """Write the crops of label maps and their tokens: a class is a colour and a feature axis."""
        known, step = np.where(labels == 255, 0, labels) % self.n_classes, self.side // self.grid
        images = (COLORS[known] + self.rng.normal(size=(*labels.shape, 3)) * 5).clip(0, 255)
        tokens = 3 * np.eye(self.channels)[known[:, step // 2 :: step, step // 2 :: step]]
        tokens += self.rng.normal(size=tokens.shape) * 0.3
        arrays = {"images": images.astype(np.uint8), "labels": labels.astype(np.uint16)}
        write_store(self.crops(split), arrays)
        self.plant_features(split, tokens.astype(np.float16))

    def plant_features(self, split: str, tokens: np.ndarray) -> None:
        """Write the tokens of the crops of a split."""
        crops = Store(self.crops(split))
        write_store(self.features(split), {"tokens": tokens}, crops=crops.fingerprint)


def write_store(path: Path, arrays: dict[str, np.ndarray], **upstream: Any) -> Writer:
    """A complete store that holds the arrays."""
    rows = len(next(iter(arrays.values())))
    layout = {name: Array(value.shape[1:], str(value.dtype)) for name, value in arrays.items()}
    content = {name: value.tobytes().hex() for name, value in arrays.items()}
    writer = Writer(path, rows, layout, {"settings": content, **upstream})
    writer.write(range(rows), **arrays)
    writer.finish()
    return writer


@pytest.fixture(name="write_store")
def write_store_fixture():
    return write_store


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    """Twelve training and five validation crops, three classes, and a head that passes tokens through."""
    planted = Planted(tmp_path)
    planted.plant("train", planted.labels(12))
    planted.plant("val", planted.labels(5))
    planted.classes.write_text(HEADER + "0,road,128,64,128\n1,sky,70,130,180\n2,tree,107,142,35\n")
    torch.manual_seed(0)
    save_model(Model(TrainSettings(head="identity"), planted.channels), planted.model)
    return planted
