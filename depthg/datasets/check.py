"""Whether a data set is whole and sound, and what its stores will take: asked before hours are spent on it."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from depthg.config import Config
from depthg.datasets import loader
from depthg.datasets.base import Files, Listing, root_of
from depthg.datasets.classes import Classes, id_ranges, parse_ids
from depthg.datasets.index import wrong_counts
from depthg.datasets.required import check_root
from depthg.datasets.survey import Survey, survey_all
from depthg.disk import cache_sizes
from depthg.errors import DepthGError
from depthg.progress import tell, warn
from depthg.store import size_text

SHOWN = 10  # problems that are told one by one


def check(name: str, config: Config) -> None:
    """Read every file of a data set; tell counts, label ids, everything that is wrong, and the disk it needs.

    Raises:
        DepthGError: something is wrong.
    """
    dataset = config.named("dataset", name)
    check_root(name, dataset)
    root = root_of(name, dataset)
    listing: Listing = loader(name, dataset.kind).find(root, dataset)
    problems = wrong_counts(listing)
    for split, files in listing.files.items():
        problems += _check_split(f"{name}: {split}", files, listing.classes)
    _tell_sizes(name, listing, config)
    for problem in problems[:SHOWN]:
        tell(f"wrong: {problem}")
    if problems:
        raise DepthGError(
            f"{name}: {len(problems):,} problems, of which {min(len(problems), SHOWN)} are listed above"
        )
    tell(f"{name}: nothing is wrong")


def _check_split(what: str, files: Sequence[Files], classes: Classes | None) -> list[str]:
    """Read all images and labels; what is wrong with them."""
    problems: list[str] = []
    ids: set[int] = set()
    found = 0
    with closing(survey_all(files, classes, what)) as results:
        for result in results:
            if isinstance(result, Survey):
                found += 1
                ids |= result.ids
            else:
                problems.append(str(result))
    tell(
        f"{what}: {found:,} of {len(files):,} images and their labels can be used; ids {id_ranges(ids) or 'none'}"
    )
    unseen = [] if classes is None or not ids else _unseen(classes, ids)
    if unseen:
        warn(f"{what}: no pixel of {', '.join(unseen)}")
    return problems


def _unseen(classes: Classes, ids: set[int]) -> list[str]:
    """The classes of which no raw id was seen."""
    pairs = zip(classes.names, classes.ids, strict=True)
    return [name for name, text in pairs if ids.isdisjoint(parse_ids(text))]


def _tell_sizes(name: str, listing: Listing, config: Config) -> None:
    settings = config.resolve(name)
    counts = {split: len(files) for split, files in listing.files.items()}
    sizes = cache_sizes(counts, settings, config)
    parts = ", ".join(f"{stage} {size_text(size)}" for stage, size in sizes.items())
    free = shutil.disk_usage(Path(".")).free
    tell(f"{name}: stores with {settings.backbone} take up to {parts}; {size_text(free)} are free here")
    if sum(sizes.values()) > free:
        warn(f"{name}: not enough room: make some, or link resources/{name} to a larger disk")
