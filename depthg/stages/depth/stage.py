"""The depth stage: writes the depth of every crop of a split to a store."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from depthg.config.sections import DepthSource
from depthg.data.records import ImageRecord, read_images
from depthg.errors import unknown
from depthg.runtime.prefetch import overlap
from depthg.stages.depth import DEPTH_SOURCES
from depthg.stages.depth.source import CropBatch, Source
from depthg.store.arrays import Array
from depthg.store.begun import begun_precision
from depthg.store.parts import WHOLE, Part
from depthg.store.reader import Store
from depthg.store.writer import Writer

SHRINK = 4  # depth is stored at a quarter of the crop's side: no backbone has a finer token grid


def open_source(settings: DepthSource, root: Path, images: list[ImageRecord]) -> Source:
    """Create the depth source that the settings name.

    Raises:
        DepthGError: the source is unknown, or its network or files are missing.
    """
    if settings.source not in DEPTH_SOURCES:
        raise unknown("depth source", settings.source, DEPTH_SOURCES)
    module, name = DEPTH_SOURCES[settings.source].split(":")
    return getattr(import_module(module), name)(settings, root, images)


def depth_arrays(crop_side: int) -> dict[str, Array]:
    """The array of a depth store, for crops of `crop_side` × `crop_side` pixels."""
    return {"depth": Array((crop_side // SHRINK, crop_side // SHRINK), "float16")}


def make_depth(
    crops: Path, images: Path, root: Path, split: str, out: Path, source: DepthSource, part: Part = WHOLE
) -> None:
    """Write the depth store of a crop store.

    Args:
        crops: the crop store, M crops of side S.
        images: the images.csv from which the crops were made.
        root: folder of the data set.
        split: "train" or "val".
        out: store to write: `depth` float16 [M, ⌊S/4⌋, ⌊S/4⌋] in [0, 1], far = 1.
        source: settings of the depth source.
        part: the part of the store to write.

    Raises:
        DepthGError: the source cannot be loaded, or its depth of an image is unusable.
    """
    store, records = Store(crops), read_images(images)
    model = open_source(source, root, records)
    arrays = depth_arrays(store.shape("images")[0])
    owners = store.read("image")

    def crops_of(rows: range) -> CropBatch:
        return CropBatch(store, rows, [records[owner] for owner in owners[rows.start : rows.stop]])

    provenance = {"settings": source.model_dump(), "crops": store.fingerprint, "source": model.identity}
    model.adapt(crops_of(range(min(model.unit, len(store)))), begun_precision(out, provenance))
    if model.precision != "float32":
        provenance["precision"] = model.precision
    writer = Writer(out, len(store), arrays, provenance, part, unit=model.unit)
    write_depth(writer, model, crops_of, f"{split} depth")


def write_depth(writer: Writer, model: Source, crops_of: Callable[[range], CropBatch], label: str) -> None:
    """Write the unfinished rows: while a batch is computed, the next ones are read and the last one is written."""
    side = writer.arrays["depth"].shape[0]

    def read(rows: range) -> tuple[CropBatch, Any]:
        crops = crops_of(rows)
        return crops, model.read(crops)

    def compute(rows: range, given: tuple[CropBatch, Any]) -> tuple[CropBatch, Any]:
        return given[0], model.compute(given[1])

    def write(rows: range, computed: tuple[CropBatch, Any]) -> None:
        writer.write(rows, depth=model.scale(*computed, side))

    overlap(writer.tracked(model.batch, label), read, compute, write)
    writer.finish()
