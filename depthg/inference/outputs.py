"""What is written of each image: mask, overlay, probabilities, polygons."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from depthg.data.classes import Classes
from depthg.data.classes import write_classes as write_table
from depthg.inference.config import OutputClass
from depthg.inference.inputs import Input
from depthg.inference.overlay import draw_overlay
from depthg.inference.picture import Picture
from depthg.inference.polygons import POLYGONS
from depthg.inference.segmentation import Segmentation
from depthg.runtime.files import replacing

MASKS = (".png", ".tif")  # suffixes of masks: see `Picture`
Writer = Callable[[Path, Input, Picture, Segmentation], None]  # folder, image, its pixels, its label map


def writers_of(probabilities: bool, polygons: str | None) -> list[Writer]:
    """The writers of all files of an image; that of the mask is the last, so that with it all are there.

    Raises:
        DepthGError: a library is not installed.
    """
    chosen: list[Writer] = [write_overlay]
    if probabilities:
        chosen.append(write_probabilities)
    if polygons is not None:
        chosen.append(POLYGONS[polygons]())
    return [*chosen, write_mask]


def write_mask(out: Path, one: Input, picture: Picture, found: Segmentation) -> None:
    """NAME.png, indexed in the colours of the classes; a picture of a map writes a map. An image has only one."""
    path = made(out / f"{one.name}{picture.suffix}")
    with replacing(path) as draft:
        picture.write_mask(draft, found)
    for other in set(MASKS) - {picture.suffix}:
        (out / f"{one.name}{other}").unlink(missing_ok=True)


def write_overlay(out: Path, one: Input, picture: Picture, found: Segmentation) -> None:
    """overlays/NAME.jpg: the image in the colours of the classes, with their names below."""
    with replacing(made(out / f"overlays/{one.name}.jpg")) as draft:
        draw_overlay(picture, found).save(draft, "JPEG", quality=90)


def write_probabilities(out: Path, one: Input, picture: Picture, found: Segmentation) -> None:
    """probabilities/NAME.npz: `probabilities` float16 [classes, H, W] and `names`."""
    with replacing(made(out / f"probabilities/{one.name}.npz")) as draft, draft.open("wb") as stream:
        np.savez_compressed(
            stream, probabilities=found.probabilities.astype(np.float16), names=np.array(found.names)
        )


def write_classes(path: Path, classes: Sequence[OutputClass]) -> None:
    """classes.csv: id, name and colour of what the masks show."""
    places = tuple(str(place) for place in range(len(classes)))
    write_table(path, Classes(tuple(c.name for c in classes), tuple(c.color for c in classes), places))


def made(path: Path) -> Path:
    """The path, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def find_mask(out: Path, name: str) -> Path | None:
    """The mask of the image of this name; None if there is none."""
    return next((path for suffix in MASKS if (path := out / f"{name}{suffix}").is_file()), None)


def read_mask(out: Path, name: str) -> np.ndarray:
    """The class ids uint8 or uint16 [H, W] of the mask of an image; it is there."""
    path = find_mask(out, name)
    assert path is not None
    with Image.open(path) as image:
        return np.asarray(image)
