"""What every data set comes down to: a list of images for each split and a list of classes, as CSV files."""

import colorsys
import csv
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from depthg.config import Dataset
from depthg.errors import DepthGError
from depthg.store import file_hash, fingerprint

SPLITS = ("train", "val")


@dataclass(frozen=True)
class ImageRecord:
    """A row of images.csv: an image, its label file ("" when none) and its upright size in pixels."""

    id: int
    path: str
    label: str
    width: int
    height: int


@dataclass(frozen=True)
class ClassRecord:
    """A row of classes.csv: a class and the colour it is drawn in."""

    id: int
    name: str
    red: int
    green: int
    blue: int


@dataclass(frozen=True)
class Listing:
    """What lies in a data set, before any file was opened.

    Args:
        files: split → pairs of an image and its label file (None for a split without labels).
        classes: the classes, or None when only the labels tell.
    """

    files: dict[str, list[tuple[Path, Path | None]]]
    classes: list[ClassRecord] | None


def root_of(name: str, dataset: Dataset) -> Path:
    """The folder of a data set's files."""
    return Path(dataset.root or f"resources/{name}/source").expanduser()


def named_classes(names: Sequence[str]) -> list[ClassRecord]:
    """Classes in the order of their ids, drawn in colours that are easy to tell apart."""
    return [ClassRecord(place, name, *_color(place)) for place, name in enumerate(names)]


def _color(place: int) -> tuple[int, int, int]:
    """The hue moves on by the golden ratio, so that no two nearby ids look alike; three tones take turns."""
    saturation, value = ((0.62, 0.88), (0.45, 0.98), (0.80, 0.62))[place % 3]
    rgb = colorsys.hsv_to_rgb((0.58 + 0.618034 * place) % 1, saturation, value)
    red, green, blue = (round(255 * channel) for channel in rgb)
    return red, green, blue


def write_records(path: Path, kind: type[Any], records: Iterable[Any]) -> None:
    """Write records of one kind as CSV; a reader sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, [field.name for field in fields(kind)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(record) for record in records)
    os.replace(draft, path)


def read_images(path: Path) -> list[ImageRecord]:
    """The rows of an images.csv.

    Raises:
        DepthGError: the file is missing or not an images.csv.
    """
    return _read(path, ImageRecord)


def read_classes(path: Path) -> list[ClassRecord]:
    """The rows of a classes.csv; empty for a data set without labels.

    Raises:
        DepthGError: the file is missing or not a classes.csv.
    """
    return _read(path, ClassRecord)


def _read(path: Path, kind: type[Any]) -> list[Any]:
    columns = get_type_hints(kind)
    try:
        with Path(path).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return [kind(**{name: column(row[name]) for name, column in columns.items()}) for row in rows]
    except OSError as error:
        raise DepthGError(f"{path}: {error.strerror}: index the data set first") from None
    except (KeyError, TypeError, ValueError):
        raise DepthGError(
            f"{path}: needs the columns {', '.join(columns)}: index the data set again"
        ) from None


def content_hash(paths: Iterable[Path | str]) -> str:
    """One hash over the contents of files, so that an artifact made from them notices a change."""
    with ThreadPoolExecutor() as pool:
        return fingerprint({"files": list(pool.map(file_hash, map(Path, paths)))})
