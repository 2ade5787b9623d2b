"""Files: hashes, atomic writes, and a check of free disk space."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from depthg.errors import DepthGError

SPARE_BYTES = 256 << 20  # kept free on the disk for other files


def fingerprint(content: Mapping[str, Any]) -> str:
    """A stable hash of an artifact's provenance (settings and fingerprints of inputs): 16 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; the file is read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file atomically: yields the path of a hidden draft, which becomes `path`, or goes if the block fails."""
    draft = path.with_name(f".{path.name}.tmp")
    with naming(path):
        try:
            yield draft
            os.replace(draft, path)
        except BaseException:
            with suppress(OSError):  # what went wrong before is to be told
                draft.unlink()
            raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError say which file it is about: the system names only files that it cannot open."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically."""
    with replacing(path) as draft:
        draft.write_text(json.dumps(content, indent=1, default=str) + "\n")


def size_text(count: float) -> str:
    """A number of bytes as text, in MB or GB (powers of 1000)."""
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def check_room(path: Path, need: int) -> None:
    """Log the maximum size `need` (bytes) of a file or store to be written, and check that the disk has room.

    Raises:
        DepthGError: the disk has too little free space.
    """
    free = shutil.disk_usage(path if path.exists() else path.parent).free  # a link: where it leads
    print(f"{path}: up to {size_text(need)}; {size_text(free)} free", flush=True)
    if need + SPARE_BYTES > free:
        raise DepthGError(
            f"{path}: needs up to {size_text(need + SPARE_BYTES)} and the disk has {size_text(free)} free: "
            "make room, or link the folder to a larger disk"
        )
