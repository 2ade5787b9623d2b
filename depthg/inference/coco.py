"""Masks in the formats of COCO: annotations with run lengths, as pycocotools reads them, or panoptic."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from depthg.errors import DepthGError
from depthg.inference.config import OutputClass
from depthg.inference.inputs import Input
from depthg.inference.outputs import made, read_mask
from depthg.runtime.files import replacing, write_json

Masks = Sequence[tuple[Input, np.ndarray]]


def check(form: str | None) -> None:
    """Check, before anything is segmented, that the library of a form is installed.

    Raises:
        DepthGError: it is not.
    """
    if form == "rle":
        _library()


def write(form: str | None, out: Path, inputs: Sequence[Input], classes: Sequence[OutputClass]) -> None:
    """Write coco.json (`rle`) or panoptic.json and panoptic/NAME.png of the masks in a folder; None: nothing.

    Category ids are class ids + 1, as 0 is no category in COCO.
    """
    if form is None:
        return
    file, annotate = FORMS[form]
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, one in enumerate(inputs, 1):
        labels = read_mask(out, one.name)
        height, width = labels.shape
        images.append({"id": number, "file_name": one.file, "height": height, "width": width})
        annotations += annotate(out, one, number, labels, len(classes))
    if form == "rle":
        annotations = [{"id": number, **each} for number, each in enumerate(annotations, 1)]
    categories = [
        {"id": place, "name": each.name, "supercategory": "", "color": list(each.color), "isthing": 0}
        for place, each in enumerate(classes, 1)
    ]
    content: dict[str, Any] = {"info": {"description": "made by depthg segment"}, "licenses": []}
    write_json(out / file, content | {"images": images, "annotations": annotations, "categories": categories})


def run_lengths(
    out: Path, one: Input, image: int, labels: np.ndarray, classes: int
) -> Iterator[dict[str, Any]]:
    """An annotation of each class that occurs, with `segmentation` in compressed run lengths."""
    library = _library()
    for place in np.unique(labels[labels < classes]).tolist():
        encoded = library.encode(np.asfortranarray(labels == place, np.uint8))
        yield {
            "image_id": image,
            "category_id": place + 1,
            "segmentation": {"size": list(labels.shape), "counts": encoded["counts"].decode()},
            "area": int(library.area(encoded)),
            "bbox": library.toBbox(encoded).tolist(),
            "iscrowd": 1,
        }


def panoptic(out: Path, one: Input, image: int, labels: np.ndarray, classes: int) -> Iterator[dict[str, Any]]:
    """The annotation of an image: a segment for each class that occurs, and the PNG of the ids of segments."""
    ids = np.where(labels < classes, labels.astype(np.uint32) + 1, 0)
    rgb = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], -1).astype(np.uint8)
    name = f"{one.name}.png"
    with replacing(made(out / "panoptic" / name)) as draft:
        Image.fromarray(rgb).save(draft, "PNG")
    segments = []
    for place in np.unique(labels[labels < classes]).tolist():
        mask = labels == place
        segments.append(
            {
                "id": place + 1,
                "category_id": place + 1,
                "area": int(mask.sum()),
                "bbox": _box(mask),
                "iscrowd": 0,
            }
        )
    yield {"image_id": image, "file_name": name, "segments_info": segments}


# Option --coco → file, and function of folder, image, its number, labels [H, W] and number of classes that yields
# its annotations.
FORMS: dict[str, tuple[str, Callable[..., Iterator[dict[str, Any]]]]] = {
    "rle": ("coco.json", run_lengths),
    "panoptic": ("panoptic.json", panoptic),
}


def _box(mask: np.ndarray) -> list[int]:
    """Left, top, width and height of what is true."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]


def _library() -> Any:
    try:
        return importlib.import_module("pycocotools.mask")
    except ImportError:
        raise DepthGError("--coco rle needs pycocotools: pip install 'depthg[coco]'") from None
