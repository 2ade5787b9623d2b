"""Crops → backbone features in Zarr: the only forward pass of the backbone, shared by all experiments."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from depthg.config.sections import Backbone, Stored
from depthg.models.backbones import DenseBackbone
from depthg.runtime.device import device, mixed_precision, send
from depthg.runtime.prefetch import prefetch
from depthg.store.arrays import Array
from depthg.store.parts import WHOLE, Part
from depthg.store.reader import Store
from depthg.store.tokens import packed, token_arrays
from depthg.store.writer import Writer

BATCH = 16


def make_features(crops: Path, out: Path, name: str, spec: Backbone, part: Part = WHOLE) -> None:
    """Write `tokens` [M, h, w, C] (depthg.store.tokens) and `pooled` float32 [M, C] for all crops of a store.

    Args:
        crops: store of crops.
        out: store to write; an interrupted run resumes.
        name: the backbone's name in config.yaml.
        spec: the backbone's settings.
        part: the part of the store to write.
    """
    source, backbone, provenance = open_backbone(crops, name, spec)
    tokens = dense_features(backbone, source.read("images", [0]))

    def compute(rows: range, images: np.ndarray) -> dict[str, Tensor]:
        tokens = dense_features(backbone, images)
        return {**packed(tokens, spec.stored), "pooled": pool_tokens(tokens)}

    arrays = feature_arrays(tuple(tokens.shape[1:]), spec.stored)
    writer = Writer(out, len(source), arrays, provenance, part, unit=BATCH)
    write_rows(writer, partial(source.read, "images"), compute, f"features {name}")


def make_pooled(crops: Path, out: Path, name: str, spec: Backbone, part: Part = WHOLE) -> None:
    """Write only `pooled` float32 [M, C], which suffices to find neighbours; arguments as in `make_features`."""
    source, backbone, provenance = open_backbone(crops, name, spec)
    channels = dense_features(backbone, source.read("images", [0])).shape[-1]

    def compute(rows: range, images: np.ndarray) -> dict[str, Tensor]:
        return {"pooled": pool_tokens(dense_features(backbone, images))}

    writer = Writer(out, len(source), pooled_array(channels), provenance, part, unit=BATCH)
    write_rows(writer, partial(source.read, "images"), compute, f"mean features {name}")


def open_backbone(crops: Path, name: str, spec: Backbone) -> tuple[Store, DenseBackbone, dict[str, Any]]:
    """Open a crop store and the backbone `name` on its device; also returns the provenance of their features."""
    source, backbone = Store(crops), DenseBackbone(spec, name).to(device())
    weights = backbone.weights_hash()
    return source, backbone, {"settings": spec.model_dump(), "weights": weights, "crops": source.fingerprint}


def write_rows(
    writer: Writer,
    read: Callable[[range], np.ndarray],
    compute: Callable[[range, np.ndarray], dict[str, Tensor]],
    label: str,
) -> None:
    """Compute and write the unfinished rows of a store, or of a part of it, and mark it finished.

    While one batch is computed, the next ones are read and the previous one is written: a GPU receives its next batch
    before the results of the last are awaited.

    Args:
        writer: writer of the store.
        read: rows → the input of the computation.
        compute: (rows, input) → the values of every array by name, on any device.
        label: label of the progress bar.
    """

    def write(rows: range, values: dict[str, Tensor]) -> None:
        writer.write(rows, **{name: value.cpu().numpy() for name, value in values.items()})

    sources = prefetch(lambda rows: (rows, read(rows)), writer.tracked(BATCH, label))
    with closing(sources), ThreadPoolExecutor(1) as pool:
        writing = None
        for rows, source in sources:
            values = compute(rows, source)
            if writing is not None:
                writing.result()
            writing = pool.submit(write, rows, values)
        if writing is not None:
            writing.result()
    writer.finish()


def feature_arrays(shape: tuple[int, ...], stored: Stored) -> dict[str, Array]:
    """The arrays of a feature store with tokens of `shape` (h, w, C)."""
    return token_arrays(shape, stored) | pooled_array(shape[2])


def pooled_array(channels: int) -> dict[str, Array]:
    """The array of pooled features with C channels."""
    return {"pooled": Array((channels,), "float32", compress=False)}


@torch.inference_mode()
def dense_features(backbone: DenseBackbone, images: np.ndarray) -> Tensor:
    """Backbone tokens float32 [B, h, w, C] of crops uint8 [B, S, S, 3]."""
    with mixed_precision():
        return backbone(send(torch.from_numpy(images), device()))


def pool_tokens(tokens: Tensor) -> Tensor:
    """Mean of the tokens float32 [B, h, w, C], scaled to unit length: float32 [B, C]."""
    return normalize(tokens.mean(dim=(1, 2)), dim=1)
