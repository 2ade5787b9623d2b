"""A model's folder with a tiny backbone, and the stores that the workflow would make of the same crops."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from depthg.config.sections import Backbone
from depthg.config.settings import TrainSettings
from depthg.evaluation.linear import Linear
from depthg.evaluation.probes import Probes
from depthg.inference import config as names
from depthg.inference.config import BackboneRef, ModelConfig, OutputClass, write_config
from depthg.models.backbones import DenseBackbone
from depthg.models.checkpoint import Model, save_model
from depthg.store.arrays import Array
from depthg.store.writer import Writer

VIT = {"patch_size": 8, "embed_dim": 12, "depth": 1, "num_heads": 2, "dynamic_img_size": True}
SIDE, CHANNELS, CLUSTERS = 48, 12, 4
CLASSES = [OutputClass(name=n, color=c) for n, c in (("road", (128, 64, 128)), ("sky", (70, 130, 180)))]
JOINED = {"tokens": "centred", "codes": "joined", "code_dim": 6}


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Blocks of colours under some noise, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST))
    return (large + rng.normal(size=large.shape) * 9).clip(0, 255).astype(np.uint8)


class Made:
    """Makes models' folders below a folder, of one tiny backbone with random weights."""

    def __init__(self, root: Path):
        self.root = root
        torch.manual_seed(0)
        net = timm.create_model("vit_tiny_patch16_224", num_classes=0, **VIT)
        save_file(net.state_dict(), root / "tiny.safetensors")
        weights = str(root / "tiny.safetensors")
        self.spec = Backbone(model="vit_tiny_patch16_224", args=VIT, weights=weights, precision="float32")

    def model(self, name: str = "model", train: dict | None = None, axes=None, **changed) -> Path:
        """A folder with a head for some training settings, four centroids, and two classes."""
        folder = self.root / name
        folder.mkdir()
        torch.manual_seed(1)
        channels = CHANNELS if axes is None else axes.shape[1]
        settings = TrainSettings(**(JOINED if train is None else train))
        head = Model(settings, channels, mean=torch.randn(channels) / 9)
        save_model(head, folder / names.HEAD)
        width = head.eval()(torch.zeros(1, 1, channels)).shape[-1]
        centroids = torch.nn.functional.normalize(torch.randn(CLUSTERS, width), dim=1)
        linear = Linear(torch.randn(3, width), torch.randn(3))
        Probes(centroids, linear).save(folder / names.PROBES, {})
        if axes is not None:
            save_file({"axes": axes}, folder / names.AXES)
        backbone = BackboneRef(name="tiny", spec=self.spec, hash=DenseBackbone(self.spec).weights_hash())
        content = {"side": SIDE, "classes": CLASSES, "class_of": [0, 1, 1, 0], "typical_side": 60}
        write_config(folder, ModelConfig(backbone=backbone, **(content | changed)))
        return folder

    def crops(self, images: np.ndarray) -> Path:
        """A store of crops uint8 [M, S, S, 3] without labels."""
        arrays = {
            "images": Array(images.shape[1:], "uint8"),
            "labels": Array(images.shape[1:3], "uint16"),
        }
        writer = Writer(self.root / "crops.zarr", len(images), arrays, {"sum": int(images.sum())})
        writer.write(range(len(images)), images=images, labels=np.zeros(images.shape[:3], np.uint16))
        writer.finish()
        return writer.path


@pytest.fixture
def made(tmp_path) -> Made:
    return Made(tmp_path)


@pytest.fixture(name="picture")
def picture_fixture():
    return picture
