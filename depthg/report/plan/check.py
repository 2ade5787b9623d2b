"""`depthg data check`: check every file of a data set, and estimate the size of its stores."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from depthg.config import Config
from depthg.data import loader
from depthg.data.classes import Classes, id_ranges, parse_ids
from depthg.data.index import wrong_counts
from depthg.data.records import Files, Listing, check_root, root_of
from depthg.data.survey import Survey, survey_all
from depthg.errors import DepthGError
from depthg.report.plan.disk import cache_sizes
from depthg.runtime.files import size_text
from depthg.runtime.progress import info, warn

MAX_SHOWN = 10  # problems that are listed one by one


def check(name: str, config: Config) -> None:
    """Read every file of a data set; print counts, label ids, problems, and the disk space that its stores need.

    Raises:
        DepthGError: required folders or files are missing, or there are problems.
    """
    dataset = config.named("dataset", name)
    check_root(name, dataset)
    listing: Listing = loader(name, dataset.kind).find(root_of(name, dataset), dataset)
    for note in listing.notes:
        info(f"{name}: {note}")
    problems = wrong_counts(listing)
    for split, files in listing.files.items():
        problems += _check_split(f"{name}: {split}", files, listing.classes)
    _show_sizes(name, {split: len(files) for split, files in listing.files.items()}, config)
    for problem in problems[:MAX_SHOWN]:
        info(f"wrong: {problem}")
    if problems:
        raise DepthGError(
            f"{name}: {len(problems):,} problems, of which {min(len(problems), MAX_SHOWN)} are listed above"
        )
    info(f"{name}: nothing is wrong")


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
    unseen = _unseen(classes, ids) if classes and ids else []
    if unseen:
        warn(f"{what}: no pixel of {', '.join(unseen)}")
    return problems


def _unseen(classes: Classes, ids: set[int]) -> list[str]:
    """Names of the classes without any of their raw ids in `ids`."""
    pairs = zip(classes.names, classes.ids, strict=True)
    return [name for name, text in pairs if ids.isdisjoint(parse_ids(text))]


def _show_sizes(name: str, images: Mapping[str, int], config: Config) -> None:
    settings = config.resolve(name)
    sizes = cache_sizes(images, settings, config)
    parts = ", ".join(f"{stage} {size_text(size)}" for stage, size in sizes.items())
    free = shutil.disk_usage(Path(".")).free
    info(f"{name}: stores with {settings.backbone} take up to {parts}; {size_text(free)} are free here")
    if sum(sizes.values()) > free:
        warn(f"{name}: not enough room: make some, or link resources/{name} to a larger disk")
