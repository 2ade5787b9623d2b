"""The results as Markdown and JSON, with a description of the machine."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, Growth, Row, cores

COLUMNS = (
    "stage | size | ours | throughput | against | reference | times as fast | target | met | "
    "peak MB: ours, reference | disk MB"
)
GROWN = "stage | over | sizes | seconds | exponent"


def write(out: Path, rows: Sequence[Row], grown: Sequence[Growth]) -> str:
    """Write `out`.md and `out`.json; returns the Markdown text."""
    facts = machine()
    text = markdown(facts, rows, grown)
    out.with_suffix(".md").write_text(text)
    content = {
        "machine": facts,
        "rows": [_content(row) for row in rows],
        "growth": [asdict(g) for g in grown],
    }
    out.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
    return text


def machine() -> dict[str, Any]:
    """Cores, processor, and versions of the libraries."""
    packages = ("torch", "faiss-cpu", "numpy", "zarr")
    return {
        "processor": _processor(),
        "cores": cores(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def _processor() -> str:
    """Name of the processor, as reported by Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def markdown(facts: dict[str, Any], rows: Sequence[Row], grown: Sequence[Growth]) -> str:
    """Machine, table of rows with notes, and table of growth."""
    notes = list(dict.fromkeys(row.note for row in rows if row.note))
    lines = [", ".join(f"{name} {value}" for name, value in facts.items()), ""]
    if rows:
        lines += _table(COLUMNS, [_cells(row, notes) for row in rows])
        lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))]
    if grown:
        lines += ["", *_table(GROWN, [_grown_cells(one) for one in grown])]
    return "\n".join(lines) + "\n"


def _table(columns: str, rows: Sequence[Sequence[str]]) -> list[str]:
    rule = "|---" * len(columns.split(" | ")) + "|"
    return [f"| {columns} |", rule, *(f"| {' | '.join(cells)} |" for cells in rows)]


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
        {True: "yes", False: "**no**", None: ""}[row.met],
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


def _grown_cells(one: Growth) -> list[str]:
    sizes = ", ".join(f"{size:,g}" for size in one.sizes)
    return [one.stage, one.over, sizes, ", ".join(f"{s:.3g}" for s in one.seconds), f"{one.exponent:.2f}"]


def _content(row: Row) -> dict[str, Any]:
    """All fields of a row and its derived values."""
    found = {"seconds": row.ours.seconds, "ratio": row.ratio, "throughput": row.throughput, "met": row.met}
    return {**asdict(row), **found}
