"""Resuming the writing of a store: records of finished rows.

`progress.json` holds the end of the finished range that starts at row 0, `progress.640.json` that of the range from row
640: of another part, or of a shard that is written beside others. A killed job resumes from them, even in other parts.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from depthg.runtime.files import write_json


def mark_finished(store: Path, rows: range) -> None:
    """Record a range of rows as finished; replaces an earlier record with the same first row."""
    write_json(
        store / (f"progress.{rows.start}.json" if rows.start else "progress.json"), {"rows": rows.stop}
    )


def mark_unfinished(store: Path, rows: range) -> None:
    """Take a range of rows out of the records, to be written again; no process may write rows of these records."""
    records = finished_ranges(store)
    behind = max((done.stop for done in records if done.start <= rows.stop), default=0)
    if behind > rows.stop:
        mark_finished(store, range(rows.stop, behind))
    for done in records:
        if range(max(done.start, rows.start), min(done.stop, rows.stop)):
            mark_finished(store, range(done.start, max(done.start, rows.start)))


def mark_all_finished(store: Path, rows: int) -> None:
    """Record all rows of a store as finished, in one file."""
    mark_finished(store, range(rows))
    for path in store.glob("progress.*.json"):
        path.unlink()


def finished_ranges(store: Path) -> list[range]:
    """The recorded ranges of finished rows, sorted by first row; they may overlap.

    Raises:
        OSError, ValueError: a record cannot be read.
    """
    records = [(path, json.loads(path.read_text())["rows"]) for path in store.glob("progress*.json")]
    return sorted((range(_first(path), stop) for path, stop in records), key=lambda rows: rows.start)


def unfinished_ranges(store: Path, rows: range) -> Iterator[range]:
    """The ranges within `rows` that are still to be written, in order."""
    first = rows.start
    for done in [*finished_ranges(store), range(rows.stop, rows.stop)]:
        if first < min(done.start, rows.stop):
            yield range(first, min(done.start, rows.stop))
        first = max(first, done.stop)


def _first(path: Path) -> int:
    number = path.name.split(".")[1]
    return int(number) if number.isdecimal() else 0
