"""The exceptions that a user may see: one line that says what is wrong, where, and what to do about it."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

LOGIN = re.compile(r"(?<=://)[^/?#\s]+@")  # name:password@ of an address
KEYS = "token|key|signature|sig|secret|password|credential|auth"
SIGNED = re.compile(rf"([?&][\w.-]*(?:{KEYS})[\w.-]*=)[^&\s'\"]*[\w%/+=-]", re.IGNORECASE)


class DepthGError(Exception):
    """Invalid input or a missing file; shown to the user as `error: <message>`, without a traceback."""

    def __init__(self, message: str):
        super().__init__(without_secrets(message))


class UnreadableImageError(DepthGError):
    """An image or label file that is missing, truncated, or not in the format that its name says."""

    def __init__(self, path: Path, reason: str):
        self.reason = reason
        super().__init__(
            f"{path}: {reason}: replace or remove the file, or set on_bad_image: skip for this data set"
        )


def without_secrets(text: str) -> str:
    """A text for a log: addresses in it lose passwords and the values of tokens and signatures.

    Example:
        >>> without_secrets("https://me:1234@host/file?download=1&token=5678: no network")
        'https://…@host/file?download=1&token=…: no network'
    """
    return SIGNED.sub(r"\1…", LOGIN.sub("…@", text))


def unknown(kind: str, name: str, valid: Iterable[str], where: str = "config.yaml") -> DepthGError:
    """The error for a `name` of a `kind` that is not in `valid`; suggests the most similar valid name."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"valid: {', '.join(names) or 'none'}"
    return DepthGError(f"{where}: unknown {kind} '{name}': {hint}")
