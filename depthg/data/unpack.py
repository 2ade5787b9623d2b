"""Extracting archives; files that exist are not written again."""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile

from depthg.errors import DepthGError
from depthg.runtime.files import replacing
from depthg.runtime.progress import track

Member = tuple[str, int, Callable[[], Any]]  # path, bytes, how to open it
BOMB = 100, 1 << 28  # an archive that unpacks to more times its size, and to more bytes, is not what it says
DAMAGED = (BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)


def unpack(archive: Path, into: Path, patterns: Sequence[str]) -> int:
    """Extract the members of a zip or tar.gz archive whose path ends with a glob pattern; returns their number.

    The matching end of a path is kept: with `curated/*/*.txt`, `COCO/curated/a/b.txt` is extracted to
    `<into>/curated/a/b.txt`. Existing files of the right size are skipped, so a killed extraction resumes.

    Raises:
        DepthGError: the archive is truncated or damaged, unpacks to far more than its size, or no member matches.
    """
    count, left = 0, max(BOMB[0] * archive.stat().st_size, BOMB[1])
    try:
        with _opened(archive) as (members, total):
            for name, size, read in track(members, total, f"unpack {archive.name}"):
                target = _target(name, into, patterns)
                if target is None:
                    continue
                count, left = count + 1, left - size
                if left < 0:
                    raise DepthGError(
                        f"{archive}: unpacks to more than {BOMB[0]} times its size: it is not the archive that is "
                        "meant, get it again"
                    )
                if not target.is_file() or target.stat().st_size != size:
                    _write(target, read)
    except DAMAGED as error:
        raise DepthGError(
            f"{archive}: cut off or damaged after {count:,} files ({error}): get it again, the same command goes on"
        ) from None
    if not count:
        raise DepthGError(f"{archive}: holds no {' or '.join(patterns)}: is it the right file?")
    return count


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[Iterator[Member], int | None]]:
    """The files in an archive, and their number if known (None for tar.gz)."""
    if archive.name.endswith(".zip"):
        with ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            yield ((e.filename, e.file_size, partial(packed.open, e)) for e in entries), len(entries)
    else:
        with tarfile.open(archive, "r:gz") as tar:
            yield ((e.name, e.size, partial(tar.extractfile, e)) for e in tar if e.isfile()), None


def _target(name: str, into: Path, patterns: Sequence[str]) -> Path | None:
    """Target path of a member; None if no pattern matches, or a part of the path starts with a dot (hidden, `..`)."""
    path = PurePosixPath(name)
    for pattern in patterns:
        end = path.parts[-len(PurePosixPath(pattern).parts) :]
        if path.match(pattern) and not any(part.startswith(".") for part in end):
            return into.joinpath(*end)
    return None


def _write(target: Path, read: Callable[[], Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as draft, read() as source, draft.open("wb") as stream:
        shutil.copyfileobj(source, stream)
