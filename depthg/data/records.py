"""Records of a data set: the images and labels of each split, the classes, and the required files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data import loader
from depthg.data.classes import Classes, read_classes
from depthg.data.table import read_records
from depthg.errors import DepthGError
from depthg.runtime.files import file_hash, fingerprint
from depthg.runtime.prefetch import prefetch
from depthg.runtime.threads import allowed_threads

SPLITS = ("train", "val")
ARCHIVES = (".zip", ".tar.gz")
Files = tuple[Path, Path | None]  # an image and its label file (None in a split without labels)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """A row of images.csv: an image, its label file ("" if none), and its size in pixels, EXIF orientation applied."""

    id: int
    path: str
    label: str
    width: int
    height: int


@dataclass(frozen=True)
class Listing:
    """The files of a data set, found by their names only.

    Args:
        files: split → pairs of image and label file.
        classes: the classes; None if they are derived from the ids in the labels.
        expected: split → number of images of the complete data set, if known.
        notes: what the user should know of the files, a line each.
    """

    files: dict[str, list[Files]]
    classes: Classes | None
    expected: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def root_of(name: str, dataset: Dataset) -> Path:
    """The folder of the files of a data set: `root` of its entry, or the default."""
    return Path(dataset.root or f"resources/{name}/source").expanduser()


def index_again(name: str = "NAME") -> str:
    """The command that lists the images of a data set anew; no other does, as all features would follow unasked."""
    return f"`snakemake --cores 2 --force resources/{name}/train/images.csv`"


def read_images(path: Path) -> list[ImageRecord]:
    """Read images.csv.

    Raises:
        DepthGError: the file is missing or malformed.
    """
    return read_records(path, ImageRecord)


def check_training_labels(name: str, dataset: Dataset) -> None:
    """Check, before any job runs, that training images are labelled: those indexed, else those of a folder.

    The benchmarks and the demo are labelled, and may not be here yet.

    Raises:
        DepthGError: no training image of data set `name` has a label.
    """
    table, root = Path("resources", name, "train/images.csv"), root_of(name, dataset)
    kind = loader(name, dataset.kind)
    if table.is_file():
        labels = [record.label for record in read_images(table)]
    elif hasattr(kind, "COUNTS"):
        return
    else:
        labels = [label for _, label in kind.find(root, dataset).files["train"]]
    if not any(labels):
        again = f" and index the data set again with {index_again(name)}" if table.is_file() else ""
        raise DepthGError(
            f"data set {name}: no training image has a label, and settings: matching: train needs some: put them under "
            f"{root}/labels{again}, or set matching to validation"
        )


def is_labelled(name: str, dataset: Dataset) -> bool:
    """Whether a data set has classes: those indexed, of the benchmark, or of the files found.

    Raises:
        DepthGError: the data set is neither indexed nor a benchmark, and its files are missing.
    """
    table = Path("resources", name, "classes.csv")
    if table.is_file():
        return len(read_classes(table)) > 0
    kind = loader(name, dataset.kind)
    return hasattr(kind, "COUNTS") or has_classes(kind.find(root_of(name, dataset), dataset))


def has_classes(listing: Listing) -> bool:
    """Whether there are classes: named, or to be derived from labels."""
    pairs = (pair for files in listing.files.values() for pair in files)
    return listing.classes is not None or any(label is not None for _, label in pairs)


def check_classes(name: str, dataset: Dataset) -> None:
    """Check, before any job runs, that a data set has classes (`is_labelled`).

    Raises:
        DepthGError: data set `name` has none, so that the number of clusters is open.
    """
    if not is_labelled(name, dataset):
        raise DepthGError(
            f"data set {name}: no labels, so the number of clusters is open: set datasets: {name}: settings: clusters"
        )


def content_hash(paths: Iterable[Path | str]) -> str:
    """One hash of the contents of several files, for the provenance of artifacts made from them."""
    threads = allowed_threads()
    return fingerprint({"files": list(prefetch(file_hash, map(Path, paths), 2 * threads, threads))})


def check_root(name: str, dataset: Dataset) -> None:
    """Check that all files and folders required by a data set exist: NEEDS of its kind, and `needs` in config.yaml.

    Raises:
        DepthGError: some are missing; says what to put where, or what to unpack.
    """
    root = root_of(name, dataset)
    needs = loader(name, dataset.kind).NEEDS | dataset.needs
    missing = {path: what for path, what in needs.items() if not (root / path).exists()}
    if not missing:
        return
    listed = "; ".join(f"{root / path} ({what})" for path, what in missing.items())
    packed = sorted({what for what in missing.values() if (root / what).is_file()})
    remedy = "put them there"
    if packed:
        remedy = f"unpack {', '.join(packed)} with `depthg data unpack {name}`"
    elif any(what.endswith(ARCHIVES) for what in missing.values()):
        remedy = f"`depthg data fetch {name}` gets them, or says from where"
    raise DepthGError(f"data set {name}: missing: {listed}: {remedy}, or set datasets: {name}: root")
