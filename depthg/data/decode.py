"""Decoding of image and label files to arrays."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from depthg.data import matlab
from depthg.data.formats import HEIF, image_suffixes
from depthg.errors import DepthGError, UnreadableImageError

DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error)
LARGEST = 1 << 30  # pixels of an image: more than any single photograph, and some 8 GB while it is decoded
LARGE = 1 << 26  # pixels of an image that is decoded alone, as several at once might not fit in memory
ALONE = Lock()
Image.MAX_IMAGE_PIXELS = None  # Pillow refuses aerial images; `open_image` has a limit of its own


def read_image(path: Path) -> np.ndarray:
    """Decode an image to RGB uint8 [H, W, 3], with its EXIF orientation applied; of several, the first.

    Transparent pixels become white, as their colour values are often arbitrary. 16-bit grey is scaled from
    0…65535 to 0…255.

    Raises:
        UnreadableImageError: the file is missing, not an image, cut off, or too large.
    """
    if path.suffix == ".mat":
        return matlab.read_image(path)
    with open_image(path) as image:
        return np.asarray(as_rgb(image, path))


def read_rgb(path: Path) -> Image.Image:
    """The same as an image of Pillow of mode RGB, which takes 4 bytes a pixel; as an array it would be there twice."""
    if path.suffix == ".mat":
        return Image.fromarray(matlab.read_image(path))
    with open_image(path) as image:
        return as_rgb(image, path)


def read_label(path: Path) -> np.ndarray:
    """Decode a label file to raw ids uint16 [H, W]; in a palette image these are the palette indices.

    Raises:
        UnreadableImageError: the file is missing, not an image, cut off, or too large.
        DepthGError: the file holds colours or fractions, and not ids.
    """
    if path.suffix == ".mat":
        return matlab.read_label(path)
    with open_image(path) as image:
        if len(image.getbands()) > 1:
            raise DepthGError(
                f"{path}: holds colours, not class ids: save the ids as an 8- or 16-bit grey PNG"
            )
        ids = np.asarray(image)
        if ids.dtype.kind == "f" or ids.max() > np.iinfo(np.uint16).max or ids.min() < 0:
            raise DepthGError(
                f"{path}: holds {_range(ids)}, not class ids: save the ids as an 8- or 16-bit grey PNG"
            )
        return ids.astype(np.uint16)


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """A decoded image with its EXIF orientation applied; large ones come one at a time.

    Raises:
        UnreadableImageError: the file is missing, not an image, cut off, or has more than `LARGEST` pixels.
    """
    if path.suffix.lower() in HEIF:
        image_suffixes()  # so that Pillow knows them in this process
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > LARGEST:
                raise UnreadableImageError(
                    path, f"{width:,} by {height:,} pixels, more than {LARGEST:,}: cut it into tiles"
                )
            with ALONE if width * height > LARGE else nullcontext():
                ImageOps.exif_transpose(image, in_place=True)
                image.load()
                yield image
    except FileNotFoundError as error:
        raise UnreadableImageError(path, "missing") from error
    except PermissionError as error:
        raise UnreadableImageError(path, "may not be read") from error
    except MemoryError as error:
        raise UnreadableImageError(path, "too large for the memory of this machine") from error
    except UnidentifiedImageError as error:
        missing = set(HEIF) - set(image_suffixes())
        remedy = ": pip install 'depthg[heic]'" if path.suffix.lower() in missing else ""
        reason = f"not an image, or of a kind that Pillow does not read{remedy}"
        raise UnreadableImageError(path, reason) from error
    except DECODER_ERRORS as error:
        raise UnreadableImageError(path, "not an image, or cut off") from error


def as_rgb(image: Image.Image, path: Path = Path("the image")) -> Image.Image:
    """An image of Pillow, of any mode, in mode RGB; errors name `path`. See `read_image`."""
    if image.mode == "F" or image.mode.startswith("I"):
        image = Image.fromarray(_bytes_of(np.asarray(image), path))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _bytes_of(grey: np.ndarray, path: Path) -> np.ndarray:
    """16-bit grey as uint8 [H, W]."""
    if grey.dtype.kind == "f" or grey.max() > 65535 or grey.min() < 0:
        raise UnreadableImageError(path, f"holds {_range(grey)}, not 8- or 16-bit grey")
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _range(values: np.ndarray) -> str:
    return f"{'fractions' if values.dtype.kind == 'f' else 'numbers'} from {values.min()} to {values.max()}"
