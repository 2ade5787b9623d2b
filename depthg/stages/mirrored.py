"""Crops → backbone features of their mirror images, for flip averaging at evaluation (setting `flip`).

Reads crops; writes `mirrored/*.zarr`, which has the arrays of a feature store. Tokens are mirrored back before they are
written, so that token i covers the same area in both stores, and a head may be applied to either.
"""

from pathlib import Path

from torch import Tensor

from depthg.config.sections import Backbone
from depthg.models.backbones import DenseBackbone
from depthg.stages.features import dense_features, write_features
from depthg.store.parts import WHOLE, Part


def mirror(maps: Tensor) -> Tensor:
    """Exchange left and right of images or tokens [B, rows, columns, C]."""
    return maps.flip(2)


def make_mirrored(crops: Path, out: Path, name: str, spec: Backbone, part: Part = WHOLE) -> None:
    """Write `tokens` [M, h, w, C] and `pooled` [M, C] of the mirror images of all crops, tokens mirrored back.

    Args:
        crops: store of crops.
        out: store to write; an interrupted run resumes.
        name: the backbone's name in config.yaml.
        spec: the backbone's settings.
        part: the part of the store to write.
    """
    write_features(
        crops, out, name, spec, part, mirrored_features, f"mirrored features {name}", mirrored=True
    )


def mirrored_features(backbone: DenseBackbone, images: Tensor) -> Tensor:
    """Tokens float32 [B, h, w, C] of the mirror images of crops uint8 [B, S, S, 3], mirrored back."""
    return mirror(dense_features(backbone, mirror(images)))
