"""Crops → backbone features of their mirror images, for flip averaging at evaluation (setting `flip`).

Reads crops; writes `mirrored/*.zarr`, which has the arrays of a feature store. Tokens are mirrored back before they are
written, so that token i covers the same area in both stores, and a head may be applied to either.
"""

from pathlib import Path

from torch import Tensor

from depthg.config.sections import Backbone
from depthg.stages.features import (
    dense_features,
    feature_arrays,
    features_shape,
    open_backbone,
    pool_tokens,
    write_crops,
)
from depthg.store.parts import WHOLE, Part
from depthg.store.tokens import packed


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
    source, backbone, provenance = open_backbone(crops, out, name, spec)

    def compute(rows: range, images: Tensor) -> dict[str, Tensor]:
        tokens = mirror(dense_features(backbone, mirror(images)))
        return {**packed(tokens, spec.stored), "pooled": pool_tokens(tokens)}

    provenance["mirrored"] = True
    arrays = feature_arrays(features_shape(backbone, source), spec.stored)
    write_crops(source, out, arrays, provenance, compute, f"mirrored features {name}", part)
