"""Scores in the report: a row an experiment, beside the floor and the paper; IoU by class; confusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from depthg.config.sections import Score
from depthg.report.folder import ResultFolder
from depthg.report.page.intervals import Interval, interval
from depthg.report.page.pictures import Shown
from depthg.report.tables.contents import SCORES
from depthg.report.tables.results import Value, values_of
from depthg.report.tables.sheet import BLANK, signed
from depthg.report.tables.table import difference

FLOOR = "kmeans"  # the experiment that trains nothing
Published = Mapping[str, Mapping[Score, float]]  # experiment → score → percent


@dataclass(frozen=True)
class ScoreRow:
    """An experiment: its scores, the difference of its mIoU to the floor's, and the paper's mIoU, as text."""

    name: str
    seeds: int
    values: dict[Score, Value]
    cells: dict[Score, str]
    over_floor: str
    paper: str

    @property
    def rank(self) -> tuple[float, bool]:
        """What is shown first is the highest: mean mIoU; without scores, what was trained."""
        return self.values["miou"].mean if "miou" in self.values else -1.0, self.name != FLOOR


def score_rows(folders: Sequence[ResultFolder], paper: Published) -> list[ScoreRow]:
    """A row an experiment, in the order given."""
    found = {folder.name: values_of(folder.metrics) for folder in folders}
    seeds = {folder.name: folder.metrics["seeds"] for folder in folders}
    floor = found.get(FLOOR, {}).get("miou")
    rows = []
    for folder in folders:
        values = found[folder.name]
        own, published = values.get("miou"), paper.get(folder.name, {}).get("miou")
        cells = {score: made.text if (made := interval(values.get(score))) else BLANK for score in SCORES}
        over = BLANK
        if own and floor and folder.name != FLOOR:
            over = signed(difference(own, floor, same_seeds=seeds[folder.name] == seeds[FLOOR]))
        said = BLANK if published is None else f"{published:.1f}"
        rows.append(ScoreRow(folder.name, len(folder.metrics["seeds"]), values, cells, over, said))
    return rows


def intervals(rows: Sequence[ScoreRow], score: Score) -> dict[str, Interval | None]:
    """The interval of a score by experiment."""
    return {row.name: interval(row.values.get(score)) for row in rows}


def class_iou(folders: Sequence[ResultFolder]) -> dict[str, dict[str, float | None]]:
    """IoU in percent by experiment and class, after the CRF where it was on; only experiments that have scores."""
    blocks = {
        folder.name: folder.metrics["unsupervised_crf"] or folder.metrics["unsupervised"]
        for folder in folders
    }
    return {name: block["per_class"] for name, block in blocks.items() if block}


def confusion_shares(shown: Shown) -> tuple[np.ndarray, list[str], list[str]] | None:
    """Shares in [0, 1] of the pixels of each true class by predicted class, their names, and those of the columns.

    The last column is of clusters that are matched to no class, where there are some. None if there is no confusion.
    """
    counts, matching = shown.content.get("confusion"), shown.content.get("matching")
    if counts is None or matching is None or not counts.size or not counts.any():
        return None
    names = list(shown.palette.names)
    by_class = np.zeros((len(names) + 1, len(names)), np.int64)
    np.add.at(by_class, matching, counts)  # −1, without a class, is the last
    present = np.flatnonzero(by_class.sum(axis=0))
    shares = (by_class / np.maximum(by_class.sum(axis=0), 1)).T[present]
    kept = len(names) + 1 if by_class[-1].any() else len(names)
    return shares[:, :kept], [names[one] for one in present], [*names, "no class"][:kept]
