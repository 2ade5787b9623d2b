"""Images of any size, of which squares are cut: in memory, or read by parts from a file that allows it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageOps

from depthg.data.decode import as_rgb, read_image
from depthg.errors import DepthGError
from depthg.inference.raster import open_raster
from depthg.inference.segmentation import Segmentation
from depthg.stages.crops import Box, cut_image


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


class ArrayPicture:
    """An image in memory.

    Args:
        pixels: RGB uint8 [H, W, 3].

    Raises:
        DepthGError: the array is of another type or shape.
    """

    suffix = ".png"

    def __init__(self, pixels: np.ndarray):
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            raise DepthGError(
                f"an image is RGB, uint8 [H, W, 3], and this array is {pixels.dtype} {list(pixels.shape)}"
            )
        self.pixels = np.ascontiguousarray(pixels)
        self.height, self.width = pixels.shape[:2]

    def cut(self, box: Box, side: int, resize: str) -> np.ndarray:
        """See `Picture`."""
        return cut_image(self.pixels, box, side, resize)

    def small(self, size: tuple[int, int]) -> np.ndarray:
        """See `Picture`."""
        return np.asarray(Image.fromarray(self.pixels).resize(size, Image.Resampling.BILINEAR))

    def known(self, top: int, bottom: int) -> None:
        """See `Picture`: everywhere."""

    def write_mask(self, path: Path, found: Segmentation) -> None:
        """See `Picture`."""
        found.mask().save(path, "PNG")


def open_picture(image: "Path | str | Image.Image | np.ndarray | Picture") -> Picture:
    """The picture of a path, of an image of Pillow, or of an array.

    Raises:
        DepthGError: it cannot be read, or is not of a form that is known.
    """
    if isinstance(image, (str, Path)):
        path = Path(image)
        reader = BY_PARTS.get(path.suffix.lower())
        return (reader and reader(path)) or ArrayPicture(read_image(path))
    if isinstance(image, Image.Image):
        return ArrayPicture(as_rgb(ImageOps.exif_transpose(image)))
    if isinstance(image, np.ndarray):
        return ArrayPicture(np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image)
    return image


# suffix → reader of a picture by parts, which leaves a file to Pillow with None
BY_PARTS: dict[str, Callable[[Path], Picture | None]] = {".tif": open_raster, ".tiff": open_raster}
