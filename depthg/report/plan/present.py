"""What is there already of a store."""

import json
from pathlib import Path

from depthg.report.plan.disk import PlannedStore
from depthg.store.arrays import MARKER
from depthg.store.resume import finished_ranges, unfinished_ranges


def finished_rows(store: PlannedStore, folder: Path) -> int:
    """Rows of a store below a folder that are written; 0 where it has another length and will be made anew."""
    path = folder / store.path
    try:
        if (path / MARKER).is_file():
            rows = json.loads((path / MARKER).read_text())["rows"]
            return store.rows if rows == store.rows or (store.at_most and rows < store.rows) else 0
        if any(rows.stop > store.rows for rows in finished_ranges(path)):
            return 0
    except (OSError, ValueError, KeyError):
        return 0
    return store.rows - sum(map(len, unfinished_ranges(path, range(store.rows))))


def state(store: PlannedStore, folder: Path) -> str:
    """`yes`, `no`, or how many rows of it."""
    there = finished_rows(store, folder)
    return "yes" if there == store.rows else f"{there:,} rows" if there else "no"
