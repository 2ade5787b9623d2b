"""Marking a store complete: as a whole, or after all its parts have been written."""

import json
from pathlib import Path

from depthg.errors import DepthGError
from depthg.runtime.files import write_json
from depthg.store.arrays import MARKER
from depthg.store.begun import fingerprint_of
from depthg.store.parts import WHOLE, Part, opening
from depthg.store.resume import mark_all_finished, unfinished_ranges


def complete(path: Path, of: int) -> None:
    """Mark a store complete after all its parts have been written.

    Args:
        path: folder of the store.
        of: the number of parts.

    Raises:
        DepthGError: a part is missing or unfinished, or a process is writing the store.
    """
    whole = Part(None, of)
    if not path.is_dir():
        raise _unfinished(path, Part(1, of))
    with whole.claim(path), opening(path, whole):
        current, rows = fingerprint_of(path), 0
        for part in (Part(number, of) for number in range(1, of + 1)):
            try:
                written = json.loads(part.note(path).read_text())
            except (OSError, ValueError):
                raise _unfinished(path, part) from None
            if written["fingerprint"] != current:
                raise _unfinished(path, part)
            rows = written["rows"]
        for gap in unfinished_ranges(path, range(rows)):
            raise DepthGError(
                f"{path}: rows {gap.start}–{gap.stop - 1} are in none of its {of} parts: remove {path / 'parts'} "
                "and run the same command again"
            )
        mark_complete(path, str(current), rows)


def mark_complete(path: Path, digest: str, rows: int) -> None:
    """Write the marker of a store whose rows are all finished."""
    mark_all_finished(path, rows)
    write_json(path / MARKER, {"fingerprint": digest, "rows": rows})


def mark_part(path: Path, part: Part, digest: str, rows: int) -> None:
    """Write the marker of a part whose rows are all finished; `rows` is the number of those of the whole store."""
    note = part.note(path)
    note.parent.mkdir(exist_ok=True)
    write_json(note, {"fingerprint": digest, "rows": rows})


def forget(path: Path, part: Part) -> None:
    """Remove the markers that no longer hold once a part is written: the store's, and those of other divisions."""
    (path / MARKER).unlink(missing_ok=True)
    for note in (path / "parts").glob("*of*.json"):
        if part == WHOLE or not note.name.endswith(f"of{part.of}.json"):
            note.unlink()


def _unfinished(path: Path, part: Part) -> DepthGError:
    return DepthGError(
        f"{path}: part {part} is not finished, the store cannot be completed: make it with "
        f"`snakemake --cores 2 {part.note(path)}`"
    )
