"""A look at a folder of images without decoding any: how many, of which formats and sizes, with what beside them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from depthg.config.sections import Dataset
from depthg.data.decode import DECODER_ERRORS
from depthg.data.folder import find
from depthg.data.records import Files, Listing
from depthg.data.spaced import evenly_spaced
from depthg.data.walk import files_below

OPENED = 500  # images at most whose size is looked up, evenly spread
DEPTH_SUFFIXES = (".png", ".npy", ".npz")  # as in depthg.stages.depth.files


@dataclass(frozen=True)
class Look:
    """What a folder of images holds.

    Attributes:
        listing: images and labels by split.
        sizes: (width, height) of the images that were opened.
        unreadable: those of them that cannot be opened.
        depth: name of a folder of depth maps → number of files in it.
    """

    listing: Listing
    sizes: list[tuple[int, int]]
    unreadable: list[Path]
    depth: dict[str, int]

    @property
    def images(self) -> dict[str, int]:
        """Number of images by split."""
        return {split: len(files) for split, files in self.listing.files.items()}

    @property
    def labels(self) -> int:
        """Number of images with a label."""
        return sum(label is not None for _, label in _all(self.listing))


def look(root: Path) -> Look:
    """Look at the folder of a data set.

    Raises:
        DepthGError: there are no or too few images, or labels that cannot be used.
    """
    listing = find(root, Dataset())
    files = _all(listing)
    sizes, unreadable = [], []
    for place in evenly_spaced(len(files), OPENED):
        path = files[place][0]
        try:
            with Image.open(path) as image:
                sizes.append(image.size)
        except DECODER_ERRORS:
            unreadable.append(path)
    return Look(listing, sizes, unreadable, _depth_maps(root))


def summary(found: Look) -> list[str]:
    """What a look found, a line each."""
    images, total = found.images, sum(found.images.values())
    formats = Counter(path.suffix.lower().removeprefix(".") for path, _ in _all(found.listing))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(formats.items(), key=_most_first))
    lines = [f"{total:,} images ({kinds}): {images['train']:,} to train on, {images['val']:,} to validate"]
    if found.sizes:
        opened = "" if len(found.sizes) == total else f", of {len(found.sizes):,} that were opened"
        lines.append(f"sizes: {_sizes(found.sizes)} pixels{opened}")
    if found.unreadable:
        lines.append(
            f"{len(found.unreadable):,} cannot be opened, such as {found.unreadable[0]}: replace or remove them, "
            "or set on_bad_image: skip"
        )
    if not found.labels:
        lines.append("no labels: the result is a picture of the segments, without scores")
    elif found.labels == total:
        lines.append("every image has a label, for scores only")
    lines += [f"depth maps: {name} ({count:,} files)" for name, count in found.depth.items()]
    return lines + found.listing.notes


def _all(listing: Listing) -> list[Files]:
    return [pair for files in listing.files.values() for pair in files]


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _sizes(sizes: Sequence[tuple[int, int]]) -> str:
    """The smallest and the largest size by area."""
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    low, high = (f"{width:,} × {height:,}" for width, height in (ordered[0], ordered[-1]))
    return low if low == high else f"{low} to {high}"


def _depth_maps(root: Path) -> dict[str, int]:
    folders = sorted(path for path in (root / "depth").glob("*") if path.is_dir())
    counts = {path.name: sum(file.suffix in DEPTH_SUFFIXES for file in files_below(path)) for path in folders}
    return {name: count for name, count in counts.items() if count}
