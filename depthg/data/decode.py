"""Decoding of image and label files to arrays."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from depthg.data import matlab
from depthg.errors import DepthGError, UnreadableImageError

VOID = 255  # the label of a pixel without a class
DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


def read_image(path: Path) -> np.ndarray:
    """Decode an image to RGB uint8 [H, W, 3], with its EXIF orientation applied.

    Transparent pixels become white, as their colour values are often arbitrary. 16-bit grey is scaled from
    0…65535 to 0…255.

    Raises:
        UnreadableImageError: the file is missing, not an image, or cut off.
    """
    if path.suffix == ".mat":
        return matlab.read_image(path)
    return as_rgb(_open(path))


def as_rgb(image: Image.Image) -> np.ndarray:
    """An image of Pillow as RGB uint8 [H, W, 3]. See `read_image`."""
    if image.mode.startswith("I"):
        grey = (np.asarray(image).astype(np.uint32) + 128) // 257
        image = Image.fromarray(grey.astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def read_label(path: Path) -> np.ndarray:
    """Decode a label file to raw ids uint16 [H, W]; in a palette image these are the palette indices.

    Raises:
        UnreadableImageError: the file is missing, not an image, or cut off.
        DepthGError: the file has several channels, so it holds colours and not ids.
    """
    if path.suffix == ".mat":
        return matlab.read_label(path)
    image = _open(path)
    if len(image.getbands()) > 1:
        raise DepthGError(f"{path}: holds colours, not class ids: save the ids as an 8- or 16-bit grey PNG")
    return np.asarray(image).astype(np.uint16)


def _open(path: Path) -> Image.Image:
    """A decoded image with its EXIF orientation applied."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image)
    except DECODER_ERRORS as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else "not an image, or cut off"
        raise UnreadableImageError(path, reason) from error
