"""Crops → backbone features of one photometric view per crop, for the consistency loss (Seong et al., CVPR 2023).

Reads crops; writes `views/*.zarr`. Each crop has one fixed view, seeded by its index, so that the backbone runs once
per crop; the original draws a view per step. Only colour and sharpness change, so token i covers the same area in both.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from depthg.config.sections import Backbone
from depthg.runtime.device import as_tensor
from depthg.stages.features import dense_features, features_shape, open_backbone
from depthg.stages.pipeline import fitting_batch, write_rows
from depthg.store.tokens import packed, token_arrays
from depthg.store.writer import Writer

# The augmentation of STEGO and Hidden Positives, applied to uint8 images; their code applies it after normalisation.
PHOTOMETRIC = v2.Compose(
    [
        v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1),
        v2.RandomGrayscale(0.2),
        v2.RandomApply([v2.GaussianBlur(5)], 0.5),
    ]
)


def photometric_view(image: np.ndarray, crop: int) -> np.ndarray:
    """The photometric view of a crop, deterministic for each index.

    Args:
        image: pixels of the crop, uint8 [S, S, 3].
        crop: index of the crop, used as the random seed.

    Returns:
        uint8 [S, S, 3].
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(crop)
        return PHOTOMETRIC(as_tensor(image).permute(2, 0, 1)).permute(1, 2, 0).numpy()


def make_views(crops: Path, out: Path, name: str, spec: Backbone) -> None:
    """Write `tokens` [M, h, w, C] (depthg.store.tokens) of the photometric views of all crops of a store.

    Args:
        crops: store of crops.
        out: store to write; an interrupted run resumes.
        name: the backbone's name in config.yaml.
        spec: the backbone's settings.
    """
    source, backbone, provenance = open_backbone(crops, out, name, spec)

    def read(rows: range) -> np.ndarray:
        images = source.read("images", rows)
        return np.stack([photometric_view(image, crop) for image, crop in zip(images, rows, strict=True)])

    def compute(rows: range, views: Tensor) -> dict[str, Tensor]:
        return packed(dense_features(backbone, views), spec.stored)

    provenance["view"] = repr(PHOTOMETRIC)
    arrays = token_arrays(features_shape(backbone, source), spec.stored)
    batch = fitting_batch(read, compute)
    writer = Writer(out, len(source), arrays, provenance, unit=batch)
    # In one thread, as the transforms draw from PyTorch's only random state.
    write_rows(writer, read, compute, f"views {name}", min(batch, writer.unit), threads=1)
