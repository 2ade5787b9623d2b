"""Downloads over HTTPS: skipped if the file exists, resumed if interrupted, and verified by SHA-256.

A file whose SHA-256 is not known is trusted when it is first seen: its hash is noted in the file SHA256SUMS beside it,
in the form of `sha256sum`, and another file under this name is an error from then on.
"""

import os
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from depthg.errors import DepthGError
from depthg.runtime.files import file_hash
from depthg.runtime.progress import track

CHUNK = 1 << 20  # bytes per read, and per step of the progress bar: one MiB
LARGEST = 64 << 30  # bytes of a file whose size is not known: more than any that is asked for
SUMS = "SHA256SUMS"
LOCAL = ("127.0.0.1", "::1", "localhost")
TIMEOUT = 60  # seconds without data before the connection counts as broken


def download(url: str, to: Path, sha256: str | None = None, size: int | None = None) -> str:
    """Download `url` to the file `to`, unless it exists; an incomplete download is kept as `<to>.part`.

    Args:
        url: HTTPS address of the file; HTTP only if its SHA-256 is given, or on this machine.
        to: path of the downloaded file; its folder is created.
        sha256: expected SHA-256 in hexadecimal; None: that of the first file of this name, see `trust`.
        size: expected size in bytes; None: the size that the server reports, up to `LARGEST`.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        DepthGError: the download failed, the file has another SHA-256, or nothing would vouch for it.
        OSError: the disk is full.
    """
    if to.is_file():
        return _checked(to, to, url, sha256)
    # The server would not be told of them, and messages of the library hold them.
    if urlsplit(url).username is not None:
        raise DepthGError(
            f"{to}: not downloaded: {url} has a name or password in it: name an address without"
        )
    if not _is_safe(url, sha256):
        raise DepthGError(
            f"{to}: not downloaded: {url} is no https address, and no sha256 is known to check the file by: name one "
            "of https, or get the file by hand and put it there"
        )
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


def _is_safe(url: str, sha256: str | None) -> bool:
    """Whether a file from an address cannot be exchanged on its way without being noticed."""
    address = urlsplit(url)
    vouched = sha256 is not None or address.hostname in LOCAL
    return address.scheme in ("https", "file") or (address.scheme == "http" and vouched)


def trust(path: Path, to: Path, digest: str) -> None:
    """Note the SHA-256 of a file when it is first seen, and compare it from then on.

    Args:
        path: the file, which is not kept if it is another one and only a part.
        to: its path once it is downloaded; SHA256SUMS lies beside it.
        digest: its SHA-256 in hexadecimal.

    Raises:
        DepthGError: an earlier file of this name had another SHA-256.
    """
    sums = to.with_name(SUMS)
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    known = {name: first for first, _, name in (line.partition("  ") for line in lines)}
    if to.name not in known:
        with sums.open("a", encoding="utf-8") as stream:
            stream.write(f"{digest}  {to.name}\n")
    elif known[to.name] != digest:
        if path != to:
            path.unlink()
        raise DepthGError(
            f"{to}: has sha256 {digest}, but what was here first had {known[to.name]}: if the publisher has changed "
            f"it and you trust that, remove its line from {sums} and run the same command again"
        )


def unavailable(url: str, to: Path, sha256: str | None, reason: str) -> DepthGError:
    """The error for a file that cannot be downloaded; says which file to get by hand and where to put it."""
    pinned = f" (sha256 {sha256})" if sha256 else ""
    return DepthGError(
        f"{to}: not downloaded ({' '.join(reason.split())}): get {url}{pinned} where there is a network and put "
        "it there, or run the same command again: it goes on where it stopped"
    )


def _checked(path: Path, to: Path, url: str, sha256: str | None) -> str:
    """The SHA-256 of a file, compared with `sha256`. On a mismatch, a `.part` file is deleted, but never `to`."""
    digest = file_hash(path)
    if sha256 is None:
        trust(path, to, digest)
    if sha256 is None or digest == sha256.lower():
        return digest
    if path != to:
        path.unlink()
    raise DepthGError(
        f"{to}: what {'is there' if path == to else f'came from {url}'} has sha256 {digest}, not {sha256}: "
        f"{'remove it, or' if path == to else 'try again, or'} correct the pinned hash"
    )


def _complete(url: str, part: Path, size: int | None, name: str) -> None:
    """Download the rest of `part`; reconnect as long as every connection brings new bytes."""
    had = -1
    while not _continue(url, part, size, name):
        have = part.stat().st_size if part.is_file() else 0
        if have <= had:
            raise HTTPException(f"the connection breaks after {have:,} bytes")
        had = have


def _continue(url: str, part: Path, size: int | None, name: str) -> bool:
    """Append to `part` over one connection; return whether the file is then complete."""
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
        have = have if response.status == 206 else 0  # any other status: the server sends the whole file
        if urlsplit(url).scheme == "https" != urlsplit(response.url).scheme:
            raise HTTPException(f"it leads to {response.url}, which is no https address")
        total = _total(response, have) or size
        if size is not None and total != size:
            raise HTTPException(f"the server has {total:,} bytes, {size:,} were expected")
        if total is not None and total > (size or LARGEST):
            raise HTTPException(f"the server has {total:,} bytes, more than {LARGEST:,}")
        got = _append(response, part, have, total, name)
    return total is None or have + got == total


def _refused(error: HTTPError, part: Path, have: int, size: int | None) -> bool:
    """Whether `part` is complete although the server refused the request: its range starts at the file's end (416).

    Raises:
        HTTPException: the server answered with another error.
    """
    if error.code != 416:
        raise HTTPException(str(error))
    total = error.headers.get("Content-Range", "").rpartition("/")[2]
    if total == str(have) and size is None:
        return True
    part.unlink()  # longer than the file on the server, so not a part of it
    return False


def _total(response: HTTPResponse, have: int) -> int | None:
    """Size of the whole file in bytes, from the Content-Length header; None without one."""
    rest = response.headers.get("Content-Length")
    return None if rest is None else have + int(rest)


def _append(response: HTTPResponse, part: Path, have: int, total: int | None, name: str) -> int:
    """Write the response after the first `have` bytes of `part`; return the number of bytes written."""
    steps = None if total is None else -(-total // CHUNK)
    with part.open("r+b" if have else "wb") as stream:
        stream.seek(have)
        stream.truncate()
        for chunk in track(_chunks(response, total), steps, f"{name} (MiB)", have // CHUNK):
            stream.write(chunk)
            if stream.tell() > (total or LARGEST):
                raise HTTPException(f"the server sends more than {total or LARGEST:,} bytes")
        return stream.tell() - have


def _chunks(response: HTTPResponse, total: int | None) -> Iterator[bytes]:
    """The response in chunks of CHUNK bytes, up to its end or until the connection breaks.

    Raises:
        HTTPException: it breaks, and no total tells that from the end.
    """
    try:
        while chunk := response.read(CHUNK):
            yield chunk
    except (HTTPException, OSError):
        if total is None:
            raise HTTPException("the connection breaks, of a server that does not tell the size") from None
        return  # keep what arrived; the caller compares its size with the total
