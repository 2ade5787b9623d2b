"""Images of any size, of which squares are cut: in memory, or read by parts from a file that allows it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageOps

from depthg.data.decode import as_rgb, read_rgb
from depthg.errors import DepthGError
from depthg.inference.raster import open_raster
from depthg.inference.segmentation import Segmentation
from depthg.stages.crops import RESIZES, Box


class Picture(Protocol):
    """An image of `height` × `width` pixels, whose mask is a file with the suffix `suffix`."""

    height: int
    width: int
    suffix: str

    def cut(self, box: Box, side: int, resize: str) -> np.ndarray:
        """A box, with edges between pixels or on them, resized to RGB uint8 [side, side, 3]."""

    def small(self, size: tuple[int, int]) -> np.ndarray:
        """The whole image, resized to a width and a height, RGB uint8."""

    def known(self, top: int, bottom: int) -> np.ndarray | None:
        """Where some rows have data, bool [bottom − top, width]; None: everywhere."""

    def write_mask(self, path: Path, found: Segmentation) -> None:
        """Write the label map of the image to a file."""


class WholePicture:
    """An image in memory, in mode RGB.

    It stays an image of Pillow: out of an array each of its windows would take a copy of the whole.
    """

    suffix = ".png"

    def __init__(self, image: Image.Image):
        self.image = image
        self.width, self.height = image.size

    def cut(self, box: Box, side: int, resize: str) -> np.ndarray:
        """See `Picture`."""
        return np.asarray(self.image.resize((side, side), RESIZES[resize], box))

    def small(self, size: tuple[int, int]) -> np.ndarray:
        """See `Picture`."""
        return np.asarray(self.image.resize(size, Image.Resampling.BILINEAR))

    def known(self, top: int, bottom: int) -> None:
        """See `Picture`: everywhere."""

    def write_mask(self, path: Path, found: Segmentation) -> None:
        """See `Picture`."""
        found.mask().save(path, "PNG")


def open_picture(image: "Path | str | Image.Image | np.ndarray | Picture") -> Picture:
    """The picture of a path, of an image of Pillow, or of an array, grey or RGB, uint8 [H, W] or [H, W, 3].

    Raises:
        DepthGError: it cannot be read, or is not of a form that is known.
    """
    if isinstance(image, (str, Path)):
        path = Path(image)
        reader = BY_PARTS.get(path.suffix.lower())
        return (reader and reader(path)) or WholePicture(read_rgb(path))
    if isinstance(image, Image.Image):
        return WholePicture(as_rgb(ImageOps.exif_transpose(image)))
    if isinstance(image, np.ndarray):
        return WholePicture(_of_array(image))
    return image


def _of_array(pixels: np.ndarray) -> Image.Image:
    """An array, grey or RGB, as an image of Pillow.

    Raises:
        DepthGError: it is of another type or shape.
    """
    known = pixels.ndim == 2 or pixels.shape[2:] == (3,)
    if not known or pixels.dtype != np.uint8 or not pixels.size:
        raise DepthGError(
            f"an image is RGB, uint8 [H, W, 3], and this array is {pixels.dtype} {list(pixels.shape)}"
        )
    return as_rgb(Image.fromarray(pixels))


# suffix → reader of a picture by parts, which leaves a file to Pillow with None
BY_PARTS: dict[str, Callable[[Path], Picture | None]] = {".tif": open_raster, ".tiff": open_raster}
