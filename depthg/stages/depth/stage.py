"""The depth stage: a source's answers for every crop of a split, kept in a store."""

from importlib import import_module
from pathlib import Path

from depthg.config.sections import DepthSource
from depthg.data.records import ImageRecord, read_images
from depthg.errors import unknown
from depthg.stages.depth import DEPTH_SOURCES
from depthg.stages.depth.source import CropBatch, Source
from depthg.store.arrays import Array
from depthg.store.parts import WHOLE, Part
from depthg.store.reader import Store
from depthg.store.writer import Writer

SHRINK = 4  # depth is kept at a quarter of the crop's side; no backbone's tokens are finer


def open_source(settings: DepthSource, root: Path, images: list[ImageRecord]) -> Source:
    """The source of a configuration, ready to predict.

    Raises:
        DepthGError: there is no such source, or its network or files are missing.
    """
    if settings.source not in DEPTH_SOURCES:
        raise unknown("depth source", settings.source, DEPTH_SOURCES)
    module, name = DEPTH_SOURCES[settings.source].split(":")
    return getattr(import_module(module), name)(settings, root, images)


def depth_arrays(crop_side: int) -> dict[str, Array]:
    """The array of a store of the depth of crops of a side."""
    return {"depth": Array((crop_side // SHRINK, crop_side // SHRINK), "float16")}


def make_depth(
    crops: Path, images: Path, root: Path, split: str, out: Path, source: DepthSource, part: Part = WHOLE
) -> None:
    """Write the depth store of a crop store.

    Args:
        crops: the crop store, M crops of side S.
        images: the images.csv it was made from.
        root: folder of the data set.
        split: "train" or "val".
        out: store with `depth` float16 [M, ⌊S/4⌋, ⌊S/4⌋] in [0, 1], far = 1.
        source: where depth comes from.
        part: the part of the store to write.

    Raises:
        DepthGError: the source cannot be had, or has no usable depth for an image.
    """
    store, records = Store(crops), read_images(images)
    model = open_source(source, root, records)
    side = store.array("images").shape[1] // SHRINK
    owners = store.read("image")
    provenance = {"settings": source.model_dump(), "crops": store.fingerprint, "source": model.identity}
    arrays = depth_arrays(store.array("images").shape[1])
    writer = Writer(out, len(store), arrays, provenance, part, unit=model.batch)
    for rows in writer.tracked(model.batch, f"{split} depth"):
        batch = CropBatch(store, rows, [records[owner] for owner in owners[rows.start : rows.stop]])
        writer.write(rows, depth=model.predict(batch, side))
    writer.finish()
