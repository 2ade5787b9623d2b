"""The depth stage: writes the depth of every crop of a split to a store."""

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
    side = store.shape("images")[0] // SHRINK
    owners = store.read("image")
    provenance = {"settings": source.model_dump(), "crops": store.fingerprint, "source": model.identity}
    arrays = depth_arrays(store.shape("images")[0])
    writer = Writer(out, len(store), arrays, provenance, part, unit=model.batch)
    for rows in writer.tracked(model.batch, f"{split} depth"):
        batch = CropBatch(store, rows, [records[owner] for owner in owners[rows.start : rows.stop]])
        writer.write(rows, depth=model.predict(batch, side))
    writer.finish()
