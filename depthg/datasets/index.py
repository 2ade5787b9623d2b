"""The first stage: open every image and label once, check them, and list them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from depthg.config import Dataset
from depthg.datasets import KINDS
from depthg.datasets.base import (
    ClassRecord,
    ImageRecord,
    Listing,
    named_classes,
    root_of,
    write_records,
)
from depthg.datasets.decode import VOID, UnreadableImageError, read_image, read_label
from depthg.errors import DepthGError, unknown
from depthg.progress import tell, track, warn

Files = tuple[Path, Path | None]


@dataclass(frozen=True)
class Survey:
    """What one image and its label were found to hold; `ids` without void."""

    image: Path
    label: Path | None
    width: int
    height: int
    ids: frozenset[int]


def index(name: str, dataset: Dataset, out: Path) -> None:
    """Write `out/{train,val}/images.csv` and `out/classes.csv` for the data set `name`.

    Raises:
        DepthGError: the folder is not laid out as it should be, or a file is not what it should be.
    """
    if dataset.kind not in KINDS:
        raise unknown("kind", dataset.kind, KINDS, f"config.yaml: datasets.{name}")
    root = root_of(name, dataset)
    listing: Listing = import_module(KINDS[dataset.kind]).find(root, dataset)
    surveys = {
        split: _survey_all(files, listing.classes, dataset, f"{name}: {split} images")
        for split, files in listing.files.items()
    }
    classes = _classes_of(listing, [survey for found in surveys.values() for survey in found], root)
    for split, found in surveys.items():
        write_records(out / split / "images.csv", ImageRecord, map(_record, range(len(found)), found))
    write_records(out / "classes.csv", ClassRecord, classes)
    counts = ", ".join(f"{len(found)} {split} images" for split, found in surveys.items())
    tell(f"{name}: {counts}, {len(classes) or 'no'} classes")


def _survey_all(
    files: Sequence[Files], classes: list[ClassRecord] | None, dataset: Dataset, what: str
) -> list[Survey]:
    survey: Callable[[Files], Survey | UnreadableImageError] = partial(_survey, classes=classes)
    if dataset.on_bad_image == "skip":
        survey = partial(_survey_or_error, classes=classes)
    with ThreadPoolExecutor() as pool:
        results = list(track(pool.map(survey, files), len(files), what))
    for result in results:
        if isinstance(result, UnreadableImageError):
            warn(f"skipped {result}")
    found = [result for result in results if isinstance(result, Survey)]
    if not found:
        raise DepthGError(f"{what}: none of {len(files)} can be read: are they images?")
    return found


def _survey_or_error(files: Files, classes: list[ClassRecord] | None) -> Survey | UnreadableImageError:
    try:
        return _survey(files, classes)
    except UnreadableImageError as error:
        return error


def _survey(files: Files, classes: list[ClassRecord] | None) -> Survey:
    """Decode an image and its label.

    Raises:
        DepthGError: one cannot be decoded, the label is of another size, or it holds an id without a class.
    """
    image, label = files
    height, width = read_image(image).shape[:2]
    ids = frozenset() if label is None else _check_label(label, (width, height), classes)
    return Survey(image, label, width, height, ids)


def _check_label(path: Path, size: tuple[int, int], classes: list[ClassRecord] | None) -> frozenset[int]:
    """The ids of a label of the given (width, height), without void."""
    label = read_label(path)
    if label.shape[::-1] != size:
        raise DepthGError(
            f"{path}: {label.shape[1]} by {label.shape[0]} pixels, its image {size[0]} by {size[1]}: "
            "save it at the size of the image"
        )
    ids = frozenset(np.flatnonzero(np.bincount(label.ravel())).tolist()) - {VOID}
    if classes is not None and ids and max(ids) >= len(classes):
        raise DepthGError(
            f"{path}: id {max(ids)}, but classes.txt names only 0 … {len(classes) - 1}: "
            f"add a line for it, or make these pixels {VOID} (void)"
        )
    return ids


def _classes_of(listing: Listing, surveys: Sequence[Survey], root: Path) -> list[ClassRecord]:
    """The classes named by the user, or one for each id up to the largest; none without labels."""
    if all(survey.label is None for survey in surveys):
        return []
    if listing.classes is not None:
        return listing.classes
    ids = sorted(frozenset().union(*(survey.ids for survey in surveys)))
    # Ids are indices everywhere downstream, so a gap becomes a class that never occurs.
    count = ids[-1] + 1 if ids else 0
    if count > len(ids):
        warn(
            f"{root}/labels: {len(ids)} ids up to {ids[-1]}, so {count} classes are assumed: number them 0, 1, 2, …"
        )
    return named_classes([f"class_{place}" for place in range(count)])


def _record(place: int, survey: Survey) -> ImageRecord:
    return ImageRecord(place, str(survey.image), str(survey.label or ""), survey.width, survey.height)
