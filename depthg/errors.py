"""The one kind of exception a user may meet: its message is a single line that says what, where and what to do."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class DepthGError(Exception):
    """Bad input, named: shown to the user as `error: <message>`, without a traceback."""


class UnreadableImageError(DepthGError):
    """An image or label file that is missing, not what its name says, or cut off."""

    def __init__(self, path: Path, reason: str):
        super().__init__(
            f"{path}: {reason}: replace or remove the file, or set on_bad_image: skip for this data set"
        )


def unknown(kind: str, name: str, valid: Iterable[str], where: str = "config.yaml") -> DepthGError:
    """The error for a `name` that is not among the `valid` ones of its `kind`; suggests the nearest."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"valid: {', '.join(names) or 'none'}"
    return DepthGError(f"{where}: unknown {kind} '{name}': {hint}")
