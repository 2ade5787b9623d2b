"""Which rows of a store are written: notes that each writer keeps of its own, and that any later one goes by.

`progress.json` says that all rows before a number are written; `progress.640.json`, all from row 640 to a number.
So a store goes on where it stopped, in however many parts it is then written.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from depthg.runtime.files import write_json


def mark_finished(store: Path, rows: range) -> None:
    """Note consecutive rows of a store as written; what was noted of rows from the same one on is replaced."""
    write_json(
        store / (f"progress.{rows.start}.json" if rows.start else "progress.json"), {"rows": rows.stop}
    )


def mark_all_finished(store: Path, rows: int) -> None:
    """Note all rows of a store as written, in one file."""
    mark_finished(store, range(rows))
    for path in store.glob("progress.*.json"):
        path.unlink()


def finished_ranges(store: Path) -> list[range]:
    """What is noted of a store, in order; stretches may overlap.

    Raises:
        OSError, ValueError: a note cannot be read.
    """
    notes = [(path, json.loads(path.read_text())["rows"]) for path in store.glob("progress*.json")]
    return sorted((range(_first(path), stop) for path, stop in notes), key=lambda rows: rows.start)


def unfinished_ranges(store: Path, rows: range) -> Iterator[range]:
    """The stretches of some rows of a store that are still to be written, in order."""
    first = rows.start
    for stretch in [*finished_ranges(store), range(rows.stop, rows.stop)]:
        if first < min(stretch.start, rows.stop):
            yield range(first, min(stretch.start, rows.stop))
        first = max(first, stretch.stop)


def _first(path: Path) -> int:
    number = path.name.split(".")[1]
    return int(number) if number.isdecimal() else 0
