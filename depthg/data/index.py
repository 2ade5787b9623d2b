"""The index stage: read and check every image and label once, and list them in images.csv."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data import loader
from depthg.data.classes import VOID, Classes, named_classes, write_classes
from depthg.data.records import Files, ImageRecord, Listing, root_of
from depthg.data.survey import Survey, survey_all
from depthg.data.table import write_records
from depthg.errors import DepthGError, UnreadableImageError
from depthg.runtime.progress import info, warn


def index(name: str, dataset: Dataset, out: Path) -> None:
    """Write `out/{train,val}/images.csv` and `out/classes.csv` for the data set `name`.

    Raises:
        DepthGError: the layout of the folder is wrong, or a file cannot be read.
    """
    root = root_of(name, dataset)
    listing: Listing = loader(name, dataset.kind).find(root, dataset)
    for problem in wrong_counts(listing):
        warn(f"{name}: {problem}; going on with these, whose scores do not compare with those of the whole")
    for note in listing.notes:
        info(f"{name}: {note}")
    surveys = {}
    for split, files in listing.files.items():
        surveys[split] = _survey(files, listing.classes, dataset, f"{name}: {split} images")
    classes = _classes_of(listing, [survey for found in surveys.values() for survey in found], root)
    for split, found in surveys.items():
        write_records(out / split / "images.csv", ImageRecord, map(_record, range(len(found)), found))
    write_classes(out / "classes.csv", classes)
    counts = ", ".join(f"{len(found)} {split} images" for split, found in surveys.items())
    info(f"{name}: {counts}, {len(classes) if classes else 'no'} classes")


def wrong_counts(listing: Listing) -> list[str]:
    """A message for each split whose number of images differs from that of the complete data set."""
    return [
        f"{len(listing.files[split]):,} {split} images found, {count:,} expected"
        for split, count in listing.expected.items()
        if len(listing.files[split]) != count
    ]


def _survey(files: Sequence[Files], classes: Classes | None, dataset: Dataset, what: str) -> list[Survey]:
    """The surveys of all images; unreadable ones are left out if the data set has `on_bad_image: skip`."""
    readable: list[Survey] = []
    with closing(survey_all(files, classes, what)) as results:
        for result in results:
            if isinstance(result, Survey):
                readable.append(result)
            elif isinstance(result, UnreadableImageError) and dataset.on_bad_image == "skip":
                warn(f"skipped {result}")
            else:
                raise result
    if not readable:
        raise DepthGError(f"{what}: none of {len(files)} can be read: are they images?")
    return readable


def _classes_of(listing: Listing, surveys: Sequence[Survey], root: Path) -> Classes | None:
    """The classes of the listing, else one class for each id up to the largest; None without labels."""
    if all(survey.label is None for survey in surveys):
        return None
    if listing.classes is not None:
        return listing.classes
    ids = sorted(frozenset().union(*(survey.ids for survey in surveys)) - {VOID})
    # Class ids are indices everywhere downstream, so a gap becomes a class that never occurs.
    count = ids[-1] + 1 if ids else 0
    if count > len(ids):
        warn(
            f"{root}/labels: {len(ids)} ids up to {ids[-1]}, so {count} classes are assumed: number them 0, 1, 2, …"
        )
    return named_classes([f"class_{place}" for place in range(count)])


def _record(place: int, survey: Survey) -> ImageRecord:
    return ImageRecord(place, str(survey.image), str(survey.label or ""), survey.width, survey.height)
