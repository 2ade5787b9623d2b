"""Checking a data set: reads every image and label before any long computation."""

from collections.abc import Sequence
from contextlib import closing

from depthg.config.sections import Dataset
from depthg.data import loader
from depthg.data.classes import Classes, id_ranges, parse_ids
from depthg.data.index import wrong_counts
from depthg.data.records import Files, Listing, check_root, root_of
from depthg.data.survey import Survey, survey_all
from depthg.runtime.progress import info, warn


def check_files(name: str, dataset: Dataset) -> tuple[dict[str, int], list[str]]:
    """Read every file of a data set; print the number of usable images and the label ids.

    Returns:
        Split → number of images; and one message for each problem.

    Raises:
        DepthGError: required folders or files are missing.
    """
    check_root(name, dataset)
    listing: Listing = loader(name, dataset.kind).find(root_of(name, dataset), dataset)
    problems = wrong_counts(listing)
    for split, files in listing.files.items():
        problems += _check_split(f"{name}: {split}", files, listing.classes)
    return {split: len(files) for split, files in listing.files.items()}, problems


def _check_split(what: str, files: Sequence[Files], classes: Classes | None) -> list[str]:
    """Read all images and labels of a split; one message for each problem."""
    problems: list[str] = []
    ids: set[int] = set()
    usable = 0
    with closing(survey_all(files, classes, what)) as results:
        for result in results:
            if isinstance(result, Survey):
                usable += 1
                ids |= result.ids
            else:
                problems.append(str(result))
    info(
        f"{what}: {usable:,} of {len(files):,} images and their labels can be used; ids {id_ranges(ids) or 'none'}"
    )
    unseen = [] if classes is None or not ids else _unseen(classes, ids)
    if unseen:
        warn(f"{what}: no pixel of {', '.join(unseen)}")
    return problems


def _unseen(classes: Classes, ids: set[int]) -> list[str]:
    """Names of the classes without any of their raw ids in `ids`."""
    pairs = zip(classes.names, classes.ids, strict=True)
    return [name for name, text in pairs if ids.isdisjoint(parse_ids(text))]
