"""The classes of a data set: names and colours by id, and the check that labels keep to them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthg.datasets import base
from depthg.datasets.decode import VOID
from depthg.errors import DepthGError


@dataclass(frozen=True)
class Classes:
    """Class names and RGB colours, 0 to 255; the place in a tuple is the class id. Empty without labels."""

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]

    def __len__(self) -> int:
        return len(self.names)


def read_classes(path: Path) -> Classes:
    """The classes of a `classes.csv` with the columns id, name, red, green, blue.

    Raises:
        DepthGError: the file is missing or malformed, its ids are not 0, 1, 2, … or a name occurs twice.
    """
    records = base.read_classes(path)
    ids = [record.id for record in records]
    names = tuple(record.name for record in records)
    if ids != list(range(len(ids))) or len(ids) > VOID:
        raise DepthGError(f"{path}: ids must be 0, 1, 2, … and below {VOID}: number the classes anew")
    if len(set(names)) < len(names):
        raise DepthGError(f"{path}: two classes have the same name: rename one")
    return Classes(names, tuple((record.red, record.green, record.blue) for record in records))


def check_labels(labels: np.ndarray, classes: int, where: str) -> None:
    """Check that every label is a class id below `classes` or void.

    Raises:
        DepthGError: a label is neither; `where` names the labels' origin.
    """
    wrong = labels[(labels >= classes) & (labels != VOID)]
    if wrong.size:
        raise DepthGError(
            f"{where}: label {int(wrong.flat[0])} is neither void ({VOID}) nor one of the {classes} classes: "
            "correct the label maps or classes.csv"
        )
