"""The results as Markdown and JSON, with a description of the machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.measure import Cost, Count, Growth, Result, Row

COLUMNS = (
    "stage | size | ours | throughput | against | reference | times as fast | target | met | "
    "peak MB: ours, reference | disk MB"
)
COUNTED = "stage | size | what | number | at most | met"
MET = {True: "yes", False: "**no**", None: ""}
GROWN = "stage | over | sizes | seconds | exponent"


def described(out: Path | None, results: Sequence[Result]) -> str:
    """The results as Markdown, which are written to `out`.md and `out`.json if a file is given."""
    facts = machine()
    text = markdown(facts, results)
    if out is None:
        return text
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".md").write_text(text)
    content = {
        "machine": facts,
        "rows": [_content(one) for one in results if isinstance(one, Row)],
        "counts": [asdict(one) for one in results if isinstance(one, Count)],
        "growth": [asdict(one) for one in results if isinstance(one, Growth)],
    }
    out.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
    return text


def markdown(facts: dict[str, Any], results: Sequence[Result]) -> str:
    """Machine, table of rows with notes, and tables of counts and of growth."""
    rows = [one for one in results if isinstance(one, Row)]
    notes = list(dict.fromkeys(row.note for row in rows if row.note))
    parts = [
        ", ".join(f"{name} {value}" for name, value in facts.items()),
        _table(COLUMNS, [_cells(row, notes) for row in rows]),
        "\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1)),
        _table(COUNTED, [_counted_cells(one) for one in results if isinstance(one, Count)]),
        _table(GROWN, [_grown_cells(one) for one in results if isinstance(one, Growth)]),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _table(columns: str, rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; nothing without rows."""
    rule = "|---" * len(columns.split(" | ")) + "|"
    lines = [f"| {columns} |", rule, *(f"| {' | '.join(cells)} |" for cells in rows)]
    return "\n".join(lines) if rows else ""


def _cells(row: Row, notes: list[str]) -> list[str]:
    mark = f" ({notes.index(row.note) + 1})" if row.note else ""
    return [
        row.stage + mark,
        row.size,
        _seconds(row.ours),
        f"{row.throughput:,.3g} {row.item}/s" if row.item != "pass" else "",
        row.against,
        _seconds(row.reference),
        "" if row.ratio is None else f"{row.ratio:,.3g}",
        _target(row),
        MET[row.met],
        ", ".join(_megabytes(cost) for cost in (row.ours, row.reference) if cost is not None),
        "" if row.disk_mb is None else f"{row.disk_mb:,.0f}",
    ]


def _seconds(cost: Cost | None) -> str:
    """The median time in a suitable unit."""
    if cost is None:
        return ""
    for size, unit in ((3600.0, "h"), (1.0, "s"), (1e-3, "ms")):
        if cost.seconds >= size:
            return f"{cost.seconds / size:.3g} {unit}"
    return f"{cost.seconds * 1e6:.3g} µs"


def _megabytes(cost: Cost) -> str:
    return "–" if cost.peak_mb is None else f"{cost.peak_mb:,.0f}"


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    bound = f"{row.target.bound:,g}"
    return {
        "seconds": f"≤ {bound} s",
        "ratio": f"≥ {bound} ×",
        "throughput": f"≥ {bound} {row.item}/s",
    }[row.target.of]


def _counted_cells(one: Count) -> list[str]:
    most = "" if one.most is None else f"{one.most:,}"
    return [one.stage, one.size, one.what, f"{one.number:,}", most, MET[one.met]]


def _grown_cells(one: Growth) -> list[str]:
    sizes = ", ".join(f"{size:,g}" for size in one.sizes)
    return [one.stage, one.over, sizes, ", ".join(f"{s:.3g}" for s in one.seconds), f"{one.exponent:.2f}"]


def _content(row: Row) -> dict[str, Any]:
    """All fields of a row and its derived values."""
    found = {"seconds": row.ours.seconds, "ratio": row.ratio, "throughput": row.throughput, "met": row.met}
    return {**asdict(row), **found}
