"""What is common to depth networks: crops on their own, or parts of whole images' maps."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from depthg.config.sections import Dataset, DepthSource
from depthg.config.settings import CropSettings
from depthg.data.index import index
from depthg.data.records import read_images
from depthg.errors import DepthGError
from depthg.stages.crops import make_crops
from depthg.stages.depth import stage
from depthg.stages.depth.network import Network
from depthg.stages.depth.source import CropBatch, Images
from depthg.store.reader import Store

SIZES = {"train/a": (64, 48), "train/b": (48, 64), "train/c": (64, 48), "val/d": (64, 48)}


class Red(Network):
    """Takes red for depth."""

    title, nearer = "Red", False
    shown: list

    def open(self, name):
        self.device = torch.device("cpu")
        self.shown = []
        return torch.nn.Linear(1, 1)

    def raw(self, images):
        self.shown.append(images.shape[:3])
        return torch.from_numpy(images[..., 0].astype(np.float32))


class Blue(Red):
    """Takes red for nearness."""

    nearer = True


@pytest.fixture
def crops(tmp_path):
    """Five crops of 16 px of three images whose red grows to the right."""
    for name, (width, height) in SIZES.items():
        path = tmp_path / "root/images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.zeros((height, width, 3), np.uint8)
        image[..., 0] = np.linspace(0, 250, width)
        Image.fromarray(image).save(path)
    index("mine", Dataset(root=str(tmp_path / "root")), tmp_path)
    images, classes = tmp_path / "train/images.csv", tmp_path / "classes.csv"
    make_crops(images, classes, "train", tmp_path / "crops.zarr", CropSettings(size=16))
    return tmp_path


def _depth(crops: Path, monkeypatch, kind: type[Network], predict_on: str) -> tuple[np.ndarray, list]:
    opened = []

    def open_source(settings, root, images):
        opened.append(kind(settings, root, images))
        return opened[0]

    monkeypatch.setattr(stage, "open_source", open_source)
    source = DepthSource(source="red", predict_on=predict_on)
    out = crops / f"{kind.__name__}-{predict_on}.zarr"
    stage.make_depth(crops / "crops.zarr", crops / "train/images.csv", crops, "train", out, source)
    return Store(out).read("depth").astype(np.float64), opened[0].shown


def test_on_crops_each_reaches_from_0_to_1(crops, monkeypatch):
    depth, shown = _depth(crops, monkeypatch, Red, "crop")
    assert shown == [(10, 16, 16), (5, 16, 16)]
    assert (depth[..., 0] < 0.15).all() and (depth[..., -1] > 0.85).all()


def test_on_images_a_crop_is_its_part_of_the_image(crops, monkeypatch):
    depth, shown = _depth(crops, monkeypatch, Red, "image")
    # Two images a batch, those of one size together; the third batch is the third image's five crops.
    assert shown == [(1, 64, 48), (1, 48, 64), (1, 48, 64)]
    left, right, centre = depth[0], depth[1], depth[4]
    assert left.max() < 0.5 < right.min() and 0.2 < centre.min() < centre.max() < 0.8
    np.testing.assert_allclose(depth[10:], depth[:5])


def test_on_images_8_bits_are_kept(crops):
    network = Red(DepthSource(source="red", predict_on="image"), Path(), [])
    record = read_images(crops / "train/images.csv")[0]
    ramp = np.linspace(0, 1, 4096).reshape(1, 64, 64)
    whole = np.array([[0, 0, record.width, record.height]], np.float32)
    batch = CropBatch(SimpleNamespace(read=lambda name, rows: whole), range(1), [record])
    values = network.scale(batch, [Images([record], torch.from_numpy(ramp))], 64)
    assert len(np.unique(values)) == 256 and values.max() == 1
    np.testing.assert_allclose(values * 255, np.floor(ramp * 255), atol=1e-4)


@pytest.mark.parametrize("predict_on", ["crop", "image"])
def test_inverse_depth_is_turned_round(crops, monkeypatch, predict_on):
    near, far = (_depth(crops, monkeypatch, kind, predict_on)[0] for kind in (Blue, Red))
    np.testing.assert_allclose(near, 1 - far, atol=1 / 255 + 1e-3)


def test_a_constant_answer_is_an_error(crops, monkeypatch):
    monkeypatch.setattr(Red, "raw", lambda self, images: torch.ones(images.shape[:3]))
    with pytest.raises(DepthGError, match=r"train/b\.png: Red finds the same depth everywhere"):
        _depth(crops, monkeypatch, Red, "image")
