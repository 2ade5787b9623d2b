"""Crops → backbone features of a photometric view of each, for the consistency of codes (Seong et al., CVPR 2023).

Needs crops; makes `views/*.zarr`. A crop has one view, drawn by its number, so that the backbone sees it once:
Hidden Positives draw another at every step. Colours change and nothing moves: token i is the same place in both.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from depthg.config.sections import Backbone
from depthg.stages.features import dense_features, open_backbone, write_rows
from depthg.store.tokens import packed, token_arrays
from depthg.store.writer import Writer

# As in STEGO and Hidden Positives, of the photograph; their code jitters what is normalised already.
PHOTOMETRIC = v2.Compose(
    [
        v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1),
        v2.RandomGrayscale(0.2),
        v2.RandomApply([v2.GaussianBlur(5)], 0.5),
    ]
)


def photometric_view(image: np.ndarray, crop: int) -> np.ndarray:
    """The view of a crop.

    Args:
        image: uint8 [S, S, 3].
        crop: its number, on which alone it depends what is drawn.

    Returns:
        uint8 [S, S, 3].
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(crop)
        return PHOTOMETRIC(torch.from_numpy(image).permute(2, 0, 1)).permute(1, 2, 0).numpy()


def make_views(crops: Path, out: Path, name: str, spec: Backbone) -> None:
    """Write `tokens` [M, h, w, C] (depthg.store.tokens) of the views of all crops of a store.

    Args:
        crops: store of crops.
        out: store to write; a killed run resumes.
        name: the backbone's name in config.yaml.
        spec: the backbone.
    """
    source, backbone, provenance = open_backbone(crops, name, spec)

    def read(rows: range) -> np.ndarray:
        images = source.read("images", rows)
        return np.stack([photometric_view(image, crop) for image, crop in zip(images, rows, strict=True)])

    def compute(rows: range, views: np.ndarray) -> dict[str, Tensor]:
        return packed(dense_features(backbone, views), spec.stored)

    shape = tuple(compute(range(1), read(range(1)))["tokens"].shape[1:])
    provenance["view"] = repr(PHOTOMETRIC)
    writer = Writer(out, len(source), token_arrays(shape, spec.stored), provenance)
    write_rows(writer, read, compute, f"views {name}")
