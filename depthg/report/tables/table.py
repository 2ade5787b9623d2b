"""A table of results: our scores beside the paper's, or beside those of a reference experiment."""

from dataclasses import dataclass

from depthg.config.sections import Score
from depthg.report.tables.contents import Plan, PlannedRow
from depthg.report.tables.paired import Difference, paired_difference
from depthg.report.tables.results import Result, Value, read_result

UNAVAILABLE = "not available here"


@dataclass(frozen=True)
class Cell:
    """One score of one row in percent; what is not there is None."""

    paper: float | None
    ours: Value | None
    difference: Difference | None


@dataclass(frozen=True)
class Entry:
    """A row with what there is of its run."""

    row: PlannedRow
    result: Result
    cells: dict[Score, Cell]


def fill(plan: Plan) -> list[Entry]:
    """The rows of a table with all scores that there are; paths are relative to the working directory."""
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
    """Ours, and the difference to the paper or, on another data set, to the reference; none of itself."""
    ours, paper = result.values.get(score), row.paper.get(score)
    if ours is None:
        return Cell(paper, None, None)
    if plan.reference is None:
        return Cell(paper, ours, None if paper is None else Difference(ours.mean - paper))
    base = None if _is_reference(plan, row) else reference.values.get(score)
    return Cell(paper, ours, None if base is None else _between(ours, base, result.seeds == reference.seeds))


def _between(ours: Value, base: Value, same_seeds: bool) -> Difference:
    """The difference of two runs, seed by seed where the seeds are the same."""
    if same_seeds:
        return paired_difference(ours.values, base.values)
    return Difference(ours.mean - base.mean)
