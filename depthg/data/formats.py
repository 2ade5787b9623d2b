"""Which files are images: by the suffixes of their names, as far as Pillow can read them here."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

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


def ignored_files(others: Iterable[Path]) -> str | None:
    """What is said of files among images that are none: their number by suffix, with what makes HEIC readable.

    Example:
        >>> ignored_files([Path("a.txt"), Path("b.txt"), Path("LICENCE")])
        'ignored files: 2 .txt, 1 nameless'
    """
    counts = Counter(path.suffix.lower() or "nameless" for path in others)
    if not counts:
        return None
    listed = ", ".join(f"{count:,} {suffix}" for suffix, count in sorted(counts.items()))
    unread = set(HEIF) - set(image_suffixes())
    remedy = "; `pip install 'depthg[heic]'` makes HEIC readable" if unread & counts.keys() else ""
    return f"ignored files: {listed}{remedy}"
