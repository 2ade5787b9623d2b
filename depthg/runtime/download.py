"""A file from the web, once: a broken download goes on where it stopped, and what arrived is checked."""

import os
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from depthg.errors import DepthGError
from depthg.runtime.files import file_hash
from depthg.runtime.progress import track

CHUNK = 1 << 20  # a step of the progress bar: one MiB
TIMEOUT = 60  # seconds without a byte


def download(url: str, to: Path, sha256: str | None = None, size: int | None = None) -> str:
    """Bring the file at `url` to `to`, unless it is there; until it is complete it is called `<to>.part`.

    Args:
        url: where it is.
        to: where it goes; its folder is made.
        sha256: what it must hash to; None: not checked.
        size: its bytes, where known; else the server's word is taken.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        DepthGError: it cannot be had, or is not the file that was meant.
        OSError: the disk is full.
    """
    if to.is_file():
        return _checked(to, to, url, sha256)
    part = to.with_name(to.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        _complete(url, part, size, to.name)
    except (HTTPException, URLError, ConnectionError, TimeoutError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise unavailable(url, to, sha256, reason) from None
    digest = _checked(part, to, url, sha256)
    os.replace(part, to)
    return digest


def unavailable(url: str, to: Path, sha256: str | None, reason: str) -> DepthGError:
    """The error for a file that cannot be had from here: what to get, and where to put it."""
    pinned = f" (sha256 {sha256})" if sha256 else ""
    return DepthGError(
        f"{to}: not downloaded ({' '.join(reason.split())}): get {url}{pinned} where there is a network and put "
        "it there, or run the same command again: it goes on where it stopped"
    )


def _checked(path: Path, to: Path, url: str, sha256: str | None) -> str:
    """The SHA-256 of a file. A part that turns out wrong is removed; a file of the user's never is."""
    digest = file_hash(path)
    if sha256 is None or digest == sha256.lower():
        return digest
    if path != to:
        path.unlink()
    raise DepthGError(
        f"{to}: what {'is there' if path == to else f'came from {url}'} has sha256 {digest}, not {sha256}: "
        f"{'remove it, or' if path == to else 'try again, or'} correct the pinned hash"
    )


def _complete(url: str, part: Path, size: int | None, name: str) -> None:
    """Fill `part` up, over as many connections as it takes, while each brings something."""
    had = -1
    while not _continue(url, part, size, name):
        have = part.stat().st_size if part.is_file() else 0
        if have <= had:
            raise HTTPException(f"the connection breaks after {have:,} bytes")
        had = have


def _continue(url: str, part: Path, size: int | None, name: str) -> bool:
    """Append to `part` what it lacks, as long as the connection holds; whether it is complete."""
    have = part.stat().st_size if part.is_file() else 0
    if size is not None and have == size:
        return True
    request = Request(url, headers={"User-Agent": "depthg"} | ({"Range": f"bytes={have}-"} if have else {}))
    try:
        response: HTTPResponse = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        with error:
            return _refused(error, part, have, size)
    with response:
        have = have if response.status == 206 else 0  # else the server sends it from the start
        total = _total(response, have) or size
        if size is not None and total != size:
            raise HTTPException(f"the server has {total:,} bytes, {size:,} were expected")
        got = _append(response, part, have, total, name)
    return total is None or have + got == total


def _refused(error: HTTPError, part: Path, have: int, size: int | None) -> bool:
    """Whether a part turns out to be complete: the server says that nothing lies behind it.

    Raises:
        HTTPException: the server gave another answer.
    """
    if error.code != 416:
        raise HTTPException(str(error))
    total = error.headers.get("Content-Range", "").rpartition("/")[2]
    if total == str(have) and size is None:
        return True
    part.unlink()  # longer than the file is: not a part of it
    return False


def _total(response: HTTPResponse, have: int) -> int | None:
    """The bytes of the whole file, as the server says; None when it does not."""
    rest = response.headers.get("Content-Length")
    return None if rest is None else have + int(rest)


def _append(response: HTTPResponse, part: Path, have: int, total: int | None, name: str) -> int:
    """Write the response behind the first `have` bytes of a file; the number of bytes written."""
    steps = None if total is None else -(-total // CHUNK)
    with part.open("r+b" if have else "wb") as stream:
        stream.seek(have)
        stream.truncate()
        for chunk in track(_chunks(response), steps, f"{name} (MiB)", have // CHUNK):
            stream.write(chunk)
        return stream.tell() - have


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    """The response in pieces, up to its end or to where the connection broke."""
    try:
        while chunk := response.read(CHUNK):
            yield chunk
    except (HTTPException, OSError):
        return  # what came is kept; the caller sees what lacks
