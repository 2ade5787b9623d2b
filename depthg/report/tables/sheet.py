"""A table of results as plain text: caption, header, cells and notes, without markup."""

from dataclasses import dataclass

from depthg.config.sections import Score
from depthg.report.tables.contents import Plan
from depthg.report.tables.results import Value
from depthg.report.tables.table import UNAVAILABLE, Cell, Difference, Entry

TITLES: dict[Score, str] = {"acc": "acc.", "miou": "mIoU", "lin_acc": "lin. acc.", "lin_miou": "lin. mIoU"}
BLANK = "–"
METHOD = (
    "Percent. Ours: mean ± sample standard deviation over the seeds, after the CRF, "
    "as in the figures that STEGO published"
)


@dataclass(frozen=True)
class Sheet:
    """A table as plain text; every row is as long as the header."""

    caption: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str]


def make_sheet(plan: Plan, entries: list[Entry]) -> Sheet:
    """Format a table: its plan, and its rows with their scores."""
    titles = [title for score in plan.scores for title in _titles(plan, score)]
    rows = [_row(plan, entry) for entry in entries]
    return Sheet(_caption(plan), ["System", "Backbone", *titles, "Seeds"], rows, _notes(plan, entries))


def _titles(plan: Plan, score: Score) -> list[str]:
    title = TITLES[score]
    if plan.reference is not None:
        return [title, f"Δ {title}"]
    ours = f"{title}: ours"
    return [f"{title}: paper", ours, f"Δ {title}"] if plan.publishes(score) else [ours]


def _row(plan: Plan, entry: Entry) -> list[str]:
    texts = [entry.row.system, entry.row.backbone or BLANK]
    for score, cell in entry.cells.items():
        ours = number(cell.ours, len(entry.result.seeds)) if cell.ours else entry.result.state or BLANK
        texts += _texts(plan, score, cell, ours)
    return [*texts, ", ".join(map(str, entry.result.seeds)) or BLANK]


def _texts(plan: Plan, score: Score, cell: Cell, ours: str) -> list[str]:
    """The cells of one score."""
    if plan.reference is not None:
        return [ours, signed(cell.difference)]
    paper = BLANK if cell.paper is None else f"{cell.paper:.1f}"
    return [paper, ours, signed(cell.difference)] if plan.publishes(score) else [ours]


def number(value: Value, seeds: int) -> str:
    """Mean and, with several seeds, standard deviation; `*` marks a score without CRF."""
    spread = f" ± {value.std:.1f}" if seeds > 1 else ""
    return f"{value.mean:.1f}{spread}{'' if value.refined else ' *'}"


def signed(difference: Difference | None) -> str:
    """A difference with its sign and, if known, its confidence interval."""
    if difference is None:
        return BLANK
    if difference.low is None or difference.high is None:
        return _signed(difference.mean)
    return f"{_signed(difference.mean)} [{_signed(difference.low)}, {_signed(difference.high)}]"


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−")  # + 0.0: no minus before zero


def _caption(plan: Plan) -> str:
    """Caption: what the table shows, and how scores and differences are computed."""
    what = f"{plan.title}: {plan.dataset}. {METHOD}"
    if plan.reference is None:
        return f"{what}; Δ = ours − paper."
    apart = "The paper's figures are of another data set and not shown."
    paired = "paired by seed, with its 95 % confidence interval where there are several seeds"
    return f"{what}; Δ = difference to the row of {plan.reference}, {paired}. {apart}"


def _notes(plan: Plan, entries: list[Entry]) -> list[str]:
    """Notes on single rows."""
    rows = [entry.row for entry in entries]
    notes = [f"{row.system}: {row.note}." for row in rows if row.note]
    notes += [f"{row.system}: {UNAVAILABLE}: {row.unavailable}." for row in rows if row.unavailable]
    notes += [f"{e.row.system}: the settings have changed since." for e in entries if e.result.outdated]
    values = [cell.ours for entry in entries for cell in entry.cells.values() if cell.ours]
    return [*notes, "* without CRF."] if any(not value.refined for value in values) else notes
