"""Images → square crops: their boxes in the image, and the store of their pixels and labels.

A crop is cut out and resized in one step: the centre square of its region, a box with fractional corners, is resampled
to `side` pixels. This equals a resize of the short side and a centre crop, but without intermediate rounding.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from depthg.config.settings import CropSettings
from depthg.data.classes import VOID, Classes, read_classes
from depthg.data.decode import read_image, read_label
from depthg.data.records import ImageRecord, content_hash, read_images
from depthg.errors import DepthGError
from depthg.runtime.threads import allowed_threads
from depthg.store.arrays import Array
from depthg.store.parts import WHOLE, Part
from depthg.store.writer import Writer

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the source image
Crop = tuple[np.ndarray, np.ndarray, Box]  # pixels uint8 [S, S, 3], labels uint16 [S, S], box in the image
WRITE_CROPS = 64  # crops per write, rounded down to whole images


def five_crop(width: int, height: int) -> list[Box]:
    """Regions of size (⌊W/2⌋, ⌊H/2⌋) in the order top left, top right, bottom left, bottom right, centre.

    Example:
        >>> five_crop(8, 6)
        [(0, 0, 4, 3), (4, 0, 8, 3), (0, 3, 4, 6), (4, 3, 8, 6), (2.0, 1.5, 6.0, 4.5)]
    """
    w, h = width // 2, height // 2
    corners = [(0, 0), (width - w, 0), (0, height - h), (width - w, height - h)]
    origins = [*corners, ((width - w) / 2, (height - h) / 2)]
    return [(left, top, left + w, top + h) for left, top in origins]


def centre_square(region: Box) -> Box:
    """The largest square centred in a region."""
    left, top, right, bottom = region
    side = min(right - left, bottom - top)
    left, top = (left + right - side) / 2, (top + bottom - side) / 2
    return (left, top, left + side, top + side)


def crop_boxes(width: int, height: int, five: bool) -> list[Box]:
    """The box of each crop of an image: the centre squares of its five-crop regions, or of the whole image.

    Example:
        >>> crop_boxes(8, 6, five=False)
        [(1.0, 0.0, 7.0, 6.0)]
    """
    regions = five_crop(width, height) if five else [(0.0, 0.0, float(width), float(height))]
    return [centre_square(region) for region in regions]


RESIZES = {
    "bilinear": Image.Resampling.BILINEAR,  # with antialiasing
    "nearest": Image.Resampling.NEAREST,  # as released
}


def cut_image(image: np.ndarray, box: Box, side: int, resize: str = "bilinear") -> np.ndarray:
    """Cut a box out of an image uint8 [H, W, 3] and resize it to uint8 [side, side, 3]."""
    return np.asarray(Image.fromarray(image).resize((side, side), RESIZES[resize], box))


def cut_label(label: np.ndarray, box: Box, side: int) -> np.ndarray:
    """Cut a box out of a label map uint16 [H, W] and resize it (nearest) to uint16 [side, side]."""
    ids = Image.fromarray(label.astype(np.int32))  # every version of Pillow can resample 32-bit integers
    return np.asarray(ids.resize((side, side), Image.Resampling.NEAREST, box)).astype(np.uint16)


def make_crops(
    images: Path,
    classes: Path,
    split: Literal["train", "val"],
    out: Path,
    settings: CropSettings,
    part: Part = WHOLE,
) -> None:
    """Write the crop store of the images in an images.csv.

    A training image gives five crops (crop id = 5 · image id + position in `five_crop`) unless the setting
    `five_crop` is off; a validation image gives one crop, its centre square.

    Args:
        images: the images.csv.
        classes: the classes.csv, which maps the raw ids in the label files to classes.
        split: "train" or "val".
        out: store to write: `images` uint8 [M, S, S, 3], `labels` uint16 [M, S, S] (class ids, 255 void; all 255
            if the image has no label), `boxes` float32 [M, 4], `image` int32 [M] (image ids).
        settings: sizes of the crops, five-crop, and the filter `resize`.
        part: the part of the store to write.

    Raises:
        DepthGError: an image is too small, a file is no longer readable, or a label contains an id without a class.
    """
    records, table = read_images(images), read_classes(classes)
    per_image, side = crop_layout(split, settings)
    five = per_image > 1
    _check_sizes(records, five)
    provenance = {
        "settings": settings.model_dump(),
        "classes": [*table.ids, table.void],  # names and colours may change without new crops
        "images": content_hash([images, *_files(records)]),
    }
    writer = Writer(out, len(records) * per_image, crop_arrays(side), provenance, part, unit=per_image)
    batches = writer.tracked(WRITE_CROPS // per_image * per_image, f"{split} crops")
    with ThreadPoolExecutor(allowed_threads()) as pool:
        for rows in batches:
            chosen = records[rows.start // per_image : rows.stop // per_image]
            cuts = pool.map(lambda record: _cut(record, table, five, side, settings.resize), chosen)
            crops = [crop for cut in cuts for crop in cut]
            pixels, labels, boxes = zip(*crops, strict=True)
            ids = np.repeat([record.id for record in chosen], per_image)
            writer.write(
                rows, images=np.stack(pixels), labels=np.stack(labels), boxes=np.array(boxes), image=ids
            )
    writer.finish()


def crop_layout(split: str, settings: CropSettings) -> tuple[int, int]:
    """Crops per image of a split, and their side in pixels."""
    if split == "train":
        return 5 if settings.five_crop else 1, settings.size
    return 1, settings.eval_size


def _check_sizes(records: Sequence[ImageRecord], five: bool) -> None:
    least = 4 if five else 2
    for record in records:
        if min(record.width, record.height) < least:
            raise DepthGError(
                f"{record.path}: {record.width} by {record.height} pixels is too small to crop: "
                f"remove it, every side needs at least {least}"
            )


def crop_arrays(side: int) -> dict[str, Array]:
    """The arrays of a crop store, for crops of `side` × `side` pixels."""
    return {
        "images": Array((side, side, 3), "uint8"),
        "labels": Array((side, side), "uint16"),
        "boxes": Array((4,), "float32", compress=False),
        "image": Array((), "int32", compress=False),
    }


def _files(records: Sequence[ImageRecord]) -> list[str]:
    return [path for record in records for path in (record.path, record.label) if path]


def _cut(record: ImageRecord, classes: Classes, five: bool, side: int, resize: str) -> list[Crop]:
    """The crops of one image."""
    image = read_image(Path(record.path))
    label = np.full(image.shape[:2], VOID, np.uint16)
    if record.label:
        label = classes.encode(read_label(Path(record.label)), Path(record.label))
    boxes = crop_boxes(record.width, record.height, five)
    return [(cut_image(image, box, side, resize), cut_label(label, box, side), box) for box in boxes]
