"""Output formats of a table of results: Markdown, LaTeX and CSV."""

import csv
import io
from pathlib import Path

from depthg.report.tables.contents import Plan
from depthg.report.tables.sheet import Sheet, make_sheet
from depthg.report.tables.table import Entry, fill_table

MARKDOWN = {character: f"\\{character}" for character in "\\|*<`"}
LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "Δ": r"$\Delta$",
    "²": "$^2$",
}


def write_table(plan: Plan, out: Path) -> None:
    """Write a table in Markdown as `out`, and next to it as .csv and .tex, from the results found so far."""
    entries = fill_table(plan)
    sheet = make_sheet(plan, entries)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".md").write_text(markdown(sheet))
    out.with_suffix(".tex").write_text(latex(sheet))
    out.with_suffix(".csv").write_text(comma_separated(plan, entries))


def markdown(sheet: Sheet) -> str:
    """A Markdown table with its caption above and its notes below."""
    rows = [sheet.header, *sheet.rows]
    lines = ["| " + " | ".join(_escape(cell, MARKDOWN) for cell in row) + " |" for row in rows]
    lines.insert(1, "|---" * len(sheet.header) + "|")
    notes = [f"- {_escape(note, MARKDOWN)}" for note in sheet.notes]
    return "\n".join([_escape(sheet.caption, MARKDOWN), "", *lines, *([""] if notes else []), *notes, ""])


def latex(sheet: Sheet) -> str:
    """A LaTeX table float."""
    header, *rows = (
        " & ".join(_escape(cell, LATEX) for cell in row) + r" \\" for row in [sheet.header, *sheet.rows]
    )
    columns = "ll" + "r" * (len(sheet.header) - 2)
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        rf"\caption{{{_escape(' '.join([sheet.caption, *sheet.notes]), LATEX)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        *(r"\toprule", header, r"\midrule", *rows, r"\bottomrule"),
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join([*lines, ""])


def _escape(text: str, special: dict[str, str]) -> str:
    """Text on one line, with special characters escaped."""
    return "".join(special.get(character, character) for character in " ".join(text.split()))


def comma_separated(plan: Plan, entries: list[Entry]) -> str:
    """CSV with unrounded numbers: `low` and `high` bound the difference; `crf` is 1 after the CRF, else 0."""
    parts = ("paper", "mean", "std", "difference", "low", "high", "crf")
    names = ["system", "backbone", "experiment", "state", "seeds"]
    names += [f"{score}_{part}" for score in plan.scores for part in parts]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([[*names, "note"], *map(_record, entries)])
    return stream.getvalue()


def _record(entry: Entry) -> list[object]:
    """The values of a row; missing values and the standard deviation of a single seed are None."""
    row, result = entry.row, entry.result
    seeds = " ".join(map(str, result.seeds))
    record: list[object] = [row.system, row.backbone, row.run and row.run.experiment, result.state, seeds]
    for cell in entry.cells.values():
        ours, delta = cell.ours, cell.difference
        bounds = (delta.mean, delta.low, delta.high) if delta else (None, None, None)
        mean, refined = (ours.mean, int(ours.refined)) if ours else (None, None)
        std = ours.std if ours and len(result.seeds) > 1 else None
        record += [cell.paper, mean, std, *(_rounded(bound) for bound in bounds), refined]
    return [*record, row.unavailable or row.note]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
