"""A data set as the stages see it: the images and labels of each split, and the classes."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from depthg.data.classes import Classes
from depthg.data.table import read_records
from depthg.config.sections import Dataset
from depthg.runtime.files import file_hash, fingerprint

SPLITS = ("train", "val")
Files = tuple[Path, Path | None]  # an image and its label file, None for a split without labels


@dataclass(frozen=True)
class ImageRecord:
    """A row of images.csv: an image, its label file ("" when none) and its upright size in pixels."""

    id: int
    path: str
    label: str
    width: int
    height: int


@dataclass(frozen=True)
class Listing:
    """The files of a data set, before any was opened.

    Args:
        files: split → images with their labels.
        classes: the classes; None if they are to be found in the labels.
        expected: split → how many images the whole data set has, where that is known.
    """

    files: dict[str, list[Files]]
    classes: Classes | None
    expected: dict[str, int] = field(default_factory=dict)


def root_of(name: str, dataset: Dataset) -> Path:
    """The folder of a data set's files."""
    return Path(dataset.root or f"resources/{name}/source").expanduser()


def read_images(path: Path) -> list[ImageRecord]:
    """The rows of an images.csv.

    Raises:
        DepthGError: the file is missing or not an images.csv.
    """
    return read_records(path, ImageRecord)


def content_hash(paths: Iterable[Path | str]) -> str:
    """One hash over the contents of files, for the fingerprint of what is made from them."""
    with ThreadPoolExecutor() as pool:
        return fingerprint({"files": list(pool.map(file_hash, map(Path, paths)))})
