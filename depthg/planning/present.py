"""What is there already of a store."""

import json
from pathlib import Path

from depthg.disk import PlannedStore
from depthg.store import MARKER


def rows_there(store: PlannedStore, folder: Path) -> int:
    """Rows of a store below a folder that are written; 0 where it has another length and will be made anew."""
    path = folder / store.path
    finished = (path / MARKER).is_file()
    try:
        rows = int(json.loads((path / (MARKER if finished else "progress.json")).read_text())["rows"])
    except (OSError, ValueError, KeyError):
        return 0
    return 0 if rows > store.rows or (finished and rows != store.rows) else rows


def state(store: PlannedStore, folder: Path) -> str:
    """`yes`, `no`, or how many rows of it."""
    there = rows_there(store, folder)
    return "yes" if there == store.rows else f"{there:,} rows" if there else "no"
