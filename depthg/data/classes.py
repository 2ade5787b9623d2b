"""The classes of a data set: names, colours, and the raw ids that stand for each class in label files.

classes.csv has one row per class, with its raw ids as numbers and ranges, for example `120-121 152 169`; the row with
id 255 lists the raw ids that are void.
"""

import colorsys
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from depthg.data.table import read_records, write_records
from depthg.errors import DepthGError

VOID = 255  # the label of a pixel without a class
UNKNOWN = np.iinfo(np.uint16).max  # marks raw ids that belong to no class and are not void
Color = tuple[int, int, int]
TONES = ((0.62, 0.88), (0.45, 0.98), (0.80, 0.62))  # saturation and value of the colours of classes, in turn


@dataclass(frozen=True)
class ClassRecord:
    """A row of classes.csv: class id, name, RGB colour (0 to 255), and raw ids ("": the same as the class id)."""

    id: int
    name: str
    red: int
    green: int
    blue: int
    ids: str = ""


@dataclass(frozen=True)
class Classes:
    """Names, RGB colours (0 to 255) and raw ids of all classes; the index in each tuple is the class id.

    The tuples are empty for a data set without labels.
    """

    names: tuple[str, ...]
    colors: tuple[Color, ...]
    ids: tuple[str, ...]
    void: str = str(VOID)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _class_of(self) -> np.ndarray:
        """Raw id → class id, uint16 [65536]."""
        table = np.full(2**16, UNKNOWN, np.uint16)
        for place, text in [*enumerate(self.ids), (VOID, self.void)]:
            table[parse_ids(text)] = place
        return table

    def encode(self, label: np.ndarray, where: Path) -> np.ndarray:
        """Map raw ids uint16 [H, W] to class ids uint16 [H, W], 255 = void.

        Raises:
            DepthGError: an id belongs to no class and is not void; `where` is the label file, for the message.
        """
        encoded = self._class_of[label]
        unknown = encoded == UNKNOWN
        if unknown.any():
            raise DepthGError(
                f"{where}: id {int(label[unknown][0])} is neither of a class "
                f"({id_ranges(parse_ids(' '.join(self.ids)))}) nor void ({self.void}): correct the label, "
                "or the list of classes"
            )
        return encoded


def parse_ids(text: str) -> list[int]:
    """The ids in a text of numbers and ranges, for example `120-121 152 169`.

    Raises:
        ValueError: the text is not in this format, a range falls, or an id is 65535 or larger.
    """
    ids: list[int] = []
    for word in text.split():
        first, dash, last = word.partition("-")
        low, high = int(first), int(last if dash else first)
        if not low <= high < UNKNOWN:
            raise ValueError(f"{word}: ids ascend and are below {UNKNOWN}")
        ids += range(low, high + 1)
    return ids


def id_ranges(ids: Iterable[int]) -> str:
    """The ids as text of numbers and ranges, the inverse of `parse_ids`."""
    runs: list[list[int]] = []
    for raw in sorted(set(ids)):
        if runs and raw == runs[-1][1] + 1:
            runs[-1][1] = raw
        else:
            runs.append([raw, raw])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def named_classes(names: Collection[str], ids: Iterable[str] | None = None, void: str = str(VOID)) -> Classes:
    """Classes numbered in the order of `names`, with distinct colours; raw ids default to the class ids."""
    places = range(len(names))
    colors = tuple(spread_color(place, 0.58, *TONES[place % len(TONES)]) for place in places)
    return Classes(tuple(names), colors, tuple(map(str, places) if ids is None else ids), void)


def spread_color(place: int, first: float, saturation: float, value: float) -> Color:
    """The colour of a place in a sequence whose hues advance from `first` by the golden ratio: neighbours differ."""
    rgb = colorsys.hsv_to_rgb((first + 0.618034 * place) % 1, saturation, value)
    red, green, blue = (round(255 * channel) for channel in rgb)
    return red, green, blue


def write_classes(path: Path, classes: Classes | None) -> None:
    """Write classes.csv; only its header if there are no labels (None)."""
    records = []
    if classes is not None:
        rows = zip(classes.names, classes.colors, classes.ids, strict=True)
        records = [ClassRecord(place, name, *color, ids) for place, (name, color, ids) in enumerate(rows)]
        records.append(ClassRecord(VOID, "void", 0, 0, 0, classes.void))
    write_records(path, ClassRecord, records)


def read_classes(path: Path) -> Classes:
    """Read classes.csv.

    Raises:
        DepthGError: the file is missing or malformed, its ids are not 0, 1, 2, …, or a name or raw id occurs twice.
    """
    rows: list[ClassRecord] = read_records(path, ClassRecord)
    records = [row for row in rows if row.id != VOID]
    void = next((row.ids for row in rows if row.id == VOID), "") or str(VOID)
    if [row.id for row in records] != list(range(len(records))) or len(records) > VOID:
        raise DepthGError(f"{path}: ids must be 0, 1, 2, … and below {VOID}: number the classes anew")
    if len({row.name for row in records}) < len(records):
        raise DepthGError(f"{path}: two classes have the same name: rename one")
    if any(not 0 <= channel <= 255 for row in rows for channel in (row.red, row.green, row.blue)):
        raise DepthGError(f"{path}: red, green and blue are numbers from 0 to 255: correct the colours")
    ids = tuple(row.ids or str(row.id) for row in records)
    _check_raw_ids(path, " ".join([*ids, void]))
    colors = tuple((row.red, row.green, row.blue) for row in records)
    return Classes(tuple(row.name for row in records), colors, ids, void)


def _check_raw_ids(path: Path, text: str) -> None:
    try:
        raw = parse_ids(text)
    except ValueError:
        raise DepthGError(f"{path}: the column ids needs numbers and ranges such as '7 9-11'") from None
    twice = [one for one, count in Counter(raw).items() if count > 1]
    if twice:
        raise DepthGError(f"{path}: raw id {twice[0]} is listed twice in the column ids: keep it in one row")


def check_labels(labels: np.ndarray, classes: int, where: str) -> None:
    """Check that every label is a class id below `classes` or void.

    Raises:
        DepthGError: a label is neither; `where` is the source of the labels, for the message.
    """
    wrong = labels[(labels >= classes) & (labels != VOID)]
    if wrong.size:
        raise DepthGError(
            f"{where}: label {int(wrong.flat[0])} is neither void ({VOID}) nor one of the {classes} classes: "
            "correct the label maps or classes.csv"
        )
