"""A table of results: our scores compared with the paper's or with those of a reference experiment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from depthg.config.sections import Score
from depthg.report.tables.contents import Plan, PlannedRow
from depthg.report.tables.results import Result, Value, read_result

CONFIDENCE = 0.95  # of the interval of a difference
UNAVAILABLE = "not available here"


@dataclass(frozen=True)
class Difference:
    """A mean difference and, if it is paired over several seeds, its 95 % confidence interval."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Cell:
    """One score of one row in percent; missing values are None."""

    paper: float | None
    ours: Value | None
    difference: Difference | None


@dataclass(frozen=True)
class Entry:
    """A row with the result of its run."""

    row: PlannedRow
    result: Result
    cells: dict[Score, Cell]


def fill_table(plan: Plan) -> list[Entry]:
    """Read the scores of a table found so far, row by row; paths are relative to the working directory."""
    results = [_result(row) for row in plan.rows]
    found = (r for row, r in zip(plan.rows, results, strict=True) if row.run and _is_reference(plan, row))
    reference = next(found, Result())
    return [
        Entry(row, result, {score: _cell(plan, row, result, reference, score) for score in plan.scores})
        for row, result in zip(plan.rows, results, strict=True)
    ]


def _result(row: PlannedRow) -> Result:
    if row.run is not None:
        return read_result(row.run)
    return Result(UNAVAILABLE if row.unavailable else "")


def _is_reference(plan: Plan, row: PlannedRow) -> bool:
    return row.run is not None and row.run.experiment == plan.reference


def _cell(plan: Plan, row: PlannedRow, result: Result, reference: Result, score: Score) -> Cell:
    """Our score, and its difference to the paper or, for another data set, to the reference (None for its own row)."""
    ours, paper = result.values.get(score), row.paper.get(score)
    if ours is None:
        return Cell(paper, None, None)
    if plan.reference is None:
        return Cell(paper, ours, None if paper is None else Difference(ours.mean - paper))
    base = None if _is_reference(plan, row) else reference.values.get(score)
    return Cell(
        paper, ours, None if base is None else difference(ours, base, result.seeds == reference.seeds)
    )


def difference(ours: Value, base: Value, same_seeds: bool) -> Difference:
    """The difference of two runs, paired by seed if the seeds are the same."""
    if same_seeds:
        return paired_difference(ours.values, base.values)
    return Difference(ours.mean - base.mean)


def paired_difference(values: Sequence[float], reference: Sequence[float]) -> Difference:
    """Mean difference of paired scores with its 95 % confidence interval (Student's t).

    Args:
        values: scores, one per seed.
        reference: scores of another experiment with the same seeds, in the same order.

    Returns:
        The difference; without an interval for one seed.

    Raises:
        ValueError: the numbers of scores differ, or are 0.
    """
    if len(values) != len(reference) or not values:
        raise ValueError(f"{len(values)} scores against {len(reference)}: the same seeds are needed")
    differences = np.subtract(values, reference, dtype=np.float64)
    mean, count = float(differences.mean()), len(differences)
    if count == 1:
        return Difference(mean)
    half_width = stdtrit(count - 1, (1 + CONFIDENCE) / 2) * differences.std(ddof=1) / math.sqrt(count)
    return Difference(mean, mean - float(half_width), mean + float(half_width))
