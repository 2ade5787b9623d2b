"""Reading every image and label once: sizes, label ids, and errors."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthg.data.classes import Classes
from depthg.data.decode import read_image, read_label
from depthg.data.records import Files
from depthg.errors import DepthGError
from depthg.runtime.prefetch import prefetch
from depthg.runtime.progress import track
from depthg.runtime.threads import allowed_threads


@dataclass(frozen=True)
class Survey:
    """Size in pixels of one image, and the raw ids in its label file, void included."""

    image: Path
    label: Path | None
    width: int
    height: int
    ids: frozenset[int]


def survey_all(
    files: Sequence[Files], classes: Classes | None, what: str
) -> Generator[Survey | DepthGError, None, None]:
    """Yield for each image, in order, its survey or the error; close the generator to stop early."""
    threads = allowed_threads()
    surveys = prefetch(lambda pair: _survey_or_error(pair, classes), files, 2 * threads, threads)
    with closing(surveys):
        yield from track(surveys, len(files), what)


def _survey_or_error(files: Files, classes: Classes | None) -> Survey | DepthGError:
    try:
        return survey(*files, classes)
    except DepthGError as error:
        return error


def survey(image: Path, label: Path | None, classes: Classes | None) -> Survey:
    """Decode an image and its label.

    Raises:
        DepthGError: a file cannot be decoded, the sizes differ, or an id belongs to no class and is not void.
    """
    height, width = read_image(image).shape[:2]
    ids = frozenset() if label is None else _check_label(label, (width, height), classes)
    return Survey(image, label, width, height, ids)


def _check_label(path: Path, size: tuple[int, int], classes: Classes | None) -> frozenset[int]:
    """The raw ids in a label file, after checks of its size (width, height) and ids."""
    label = read_label(path)
    if label.shape[::-1] != size:
        raise DepthGError(
            f"{path}: {label.shape[1]} by {label.shape[0]} pixels, its image {size[0]} by {size[1]}: "
            "save it at the size of the image"
        )
    if classes is not None:
        classes.encode(label, path)
    return frozenset(np.flatnonzero(np.bincount(label.ravel())).tolist())
