"""Which files are images: by the suffixes of their names, as far as Pillow can read them here."""

from contextlib import suppress
from functools import cache

from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif")
HEIF = (".heic", ".heif")  # read by Pillow once pillow-heif is installed


@cache
def image_suffixes() -> tuple[str, ...]:
    """The suffixes in lower case of the images that Pillow can read here, with pillow-heif if that is installed."""
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    formats = Image.registered_extensions()
    return tuple(suffix for suffix in SUFFIXES if formats.get(suffix) in Image.OPEN)


def readable_suffixes() -> str:
    """The same for a message: `jpg, png, …`."""
    return ", ".join(suffix.removeprefix(".") for suffix in image_suffixes())
