"""Crops → backbone features in Zarr: the only forward pass of the backbone, shared by all experiments."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from depthg.config.sections import Backbone, Stored
from depthg.errors import DepthGError
from depthg.models.backbones import DenseBackbone
from depthg.models.precision import choose_precision
from depthg.runtime.device import device, send
from depthg.stages.pipeline import Check, fitting_batch, write_rows
from depthg.store.arrays import Array
from depthg.store.begun import begun_precision
from depthg.store.parts import WHOLE, Part
from depthg.store.reader import Store
from depthg.store.tokens import packed, token_arrays
from depthg.store.writer import Writer


def make_features(crops: Path, out: Path, name: str, spec: Backbone, part: Part = WHOLE) -> None:
    """Write `tokens` [M, h, w, C] (depthg.store.tokens) and `pooled` float32 [M, C] for all crops of a store.

    Args:
        crops: store of crops.
        out: store to write; an interrupted run resumes.
        name: the backbone's name in config.yaml.
        spec: the backbone's settings.
        part: the part of the store to write.
    """
    write_features(crops, out, name, spec, part, dense_features, f"features {name}")


def write_features(
    crops: Path,
    out: Path,
    name: str,
    spec: Backbone,
    part: Part,
    look: Callable[[DenseBackbone, Tensor], Tensor],
    label: str,
    **provenance: Any,
) -> None:
    """Write a feature store of crops as `look` sees them: `dense_features`, or another function of its form.

    Args:
        crops, out, name, spec, part: as in `make_features`.
        look: (backbone, crops uint8 [B, S, S, 3]) → tokens float32 [B, h, w, C].
        label: label of the progress bar.
        **provenance: what sets the store apart from the backbone's plain features.
    """
    source, backbone, made = open_backbone(crops, out, name, spec)

    def compute(rows: range, images: Tensor) -> dict[str, Tensor]:
        return feature_values(look(backbone, images), spec.stored)

    arrays = feature_arrays(features_shape(backbone, source), spec.stored)
    write_crops(source, out, arrays, made | provenance, compute, label, part, partial(check_finite, name))


def make_pooled(crops: Path, out: Path, name: str, spec: Backbone, part: Part = WHOLE) -> None:
    """Write only `pooled` float32 [M, C], which suffices to find neighbours; arguments as in `make_features`."""
    source, backbone, provenance = open_backbone(crops, out, name, spec)

    def compute(rows: range, images: Tensor) -> dict[str, Tensor]:
        return {"pooled": pool_tokens(dense_features(backbone, images))}

    arrays, label = pooled_array(features_shape(backbone, source)[2]), f"mean features {name}"
    write_crops(source, out, arrays, provenance, compute, label, part, partial(check_finite, name))


def write_crops(
    source: Store,
    out: Path,
    arrays: Mapping[str, Array],
    provenance: Mapping[str, Any],
    compute: Callable[[range, Tensor], dict[str, Tensor]],
    label: str,
    part: Part = WHOLE,
    check: Check | None = None,
) -> None:
    """Compute and write a store from the pixels of each crop of `source`. See `write_rows`."""
    read = partial(source.read, "images")
    batch = fitting_batch(read, compute)
    writer = Writer(out, len(source), arrays, provenance, part, unit=batch)
    write_rows(writer, read, compute, label, min(batch, writer.unit), check=check)


def open_backbone(
    crops: Path, out: Path, name: str, spec: Backbone
) -> tuple[Store, DenseBackbone, dict[str, Any]]:
    """Open a crop store and the backbone `name` on its device, in the precision of the store `out`, if it was begun.

    Returns:
        The crops, the backbone, and the provenance of its features: with the precision, unless it is float32.
    """
    source, backbone = Store(crops), DenseBackbone(spec, name).to(device())
    settings = spec.model_dump(exclude={"precision"})
    made = {"settings": settings, "weights": backbone.weights_hash(), "crops": source.fingerprint}
    precision = choose_precision(device(), spec.precision, begun_precision(out, made))
    if precision != torch.float32:
        made["precision"] = str(precision).removeprefix("torch.")
    return source, backbone.in_precision(precision), made


def features_shape(backbone: DenseBackbone, source: Store) -> tuple[int, ...]:
    """Shape (h, w, C) of the tokens of a crop."""
    # Faster on a GPU, and for a small backbone on a CPU, than to build the network again for `token_shape`.
    crop = send(torch.from_numpy(source.read("images", [0])), device())
    return tuple(dense_features(backbone, crop).shape[1:])


def feature_arrays(shape: tuple[int, ...], stored: Stored) -> dict[str, Array]:
    """The arrays of a feature store with tokens of `shape` (h, w, C)."""
    return token_arrays(shape, stored) | pooled_array(shape[2])


def pooled_array(channels: int) -> dict[str, Array]:
    """The array of pooled features with C channels."""
    return {"pooled": Array((channels,), "float32", compress=False)}


def feature_values(tokens: Tensor, stored: Stored) -> dict[str, Tensor]:
    """What a feature store has of tokens float32 [B, h, w, C]; `pooled` is NaN where not all stored tokens are finite.

    So a look at `pooled` on the CPU is enough for `check_finite`.
    """
    kept = packed(tokens, stored)
    largest = kept.get("scales", kept["tokens"]).flatten(1).abs().amax(1, keepdim=True)  # NaN if one is
    return {**kept, "pooled": pool_tokens(tokens).where(largest.isfinite(), torch.nan)}


def check_finite(name: str, rows: range, values: Mapping[str, np.ndarray]) -> None:
    """Check the `pooled` features of crops.

    Raises:
        DepthGError: those of a crop are not finite.
    """
    finite = np.isfinite(values["pooled"]).all(1)
    if not finite.all():
        raise DepthGError(
            f"backbone {name}: the features of crop {rows[int(finite.argmin())]} are not finite: set its precision to "
            "float32; if they are not finite then, its weights are damaged, or its tokens larger than float16 holds"
        )


@torch.inference_mode()
def dense_features(backbone: DenseBackbone, images: Tensor) -> Tensor:
    """Backbone tokens float32 [B, h, w, C] of crops uint8 [B, S, S, 3] on its device."""
    return backbone(images)


def pool_tokens(tokens: Tensor) -> Tensor:
    """Mean of the tokens float32 [B, h, w, C], scaled to unit length: float32 [B, C]."""
    return normalize(tokens.mean(dim=(1, 2)), dim=1)
