"""A download that goes on where it stopped: `<file>.part`, HTTP ranges, then size and sha256."""

import http.client
import urllib.error
import urllib.request
from pathlib import Path

from depthg.errors import DepthGError
from depthg.progress import tell, track
from depthg.store import check_room, file_hash, size_text

CHUNK = 1 << 20
TIMEOUT = 60  # seconds without a byte


def download(url: str, path: Path, size: int | None = None) -> None:
    """Fetch `url` to `path`; what an interrupted call left in `<path>.part` is kept.

    A connection that breaks is taken up again for as long as some bytes come through.

    Raises:
        DepthGError: the server cannot be reached, has a file of another size than `size`, or sends no more.
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    if size is not None:
        check_room(path, size - _length(part))
    while True:
        have = _length(part)
        total = _transfer(url, part, size)
        if _length(part) == total:
            break
        if _length(part) <= have:
            raise DepthGError(
                f"{url}: cut off at {size_text(have)} of {size_text(total)}: the same command goes on there"
            )
        tell(f"{path.name}: connection lost at {size_text(_length(part))} of {size_text(total)}, going on")
    part.replace(path)


def check_file(path: Path, size: int | None, sha256: str | None) -> None:
    """Check a file against what is known of it, and show its sha256 where that is not.

    Raises:
        DepthGError: it is another file, or not whole.
    """
    if size is not None and path.stat().st_size != size:
        raise DepthGError(f"{path}: {path.stat().st_size} bytes, {size} expected: delete it and get it again")
    found = file_hash(path)
    if sha256 is None:
        tell(f"{path}: sha256 {found} (none is known to compare with)")
    elif found != sha256:
        raise DepthGError(f"{path}: sha256 {found}, {sha256} expected: delete it and get it again")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _transfer(url: str, part: Path, size: int | None) -> int:
    """Append what the server sends to `part` until it ends or breaks; the bytes that the whole file has."""
    have = _length(part)
    with _request(url, have) as response:
        resumed = response.status == 206
        if not resumed and response.status != 416:
            have = 0
        total = _total(response, have)
        if total is None or (size is not None and total != size):
            raise DepthGError(
                f"{url}: the server has {total or 'an unknown number of'} bytes, {size or 'a size'} expected: "
                "get the file by hand"
            )
        if response.status == 416 and have > total:
            raise DepthGError(f"{part}: longer than the file at {url}: delete it and run this again")
        if response.status == 416:
            return total  # nothing is missing
        with part.open("ab" if resumed else "wb") as stream:
            try:
                chunks = iter(lambda: response.read(CHUNK), b"")
                for chunk in track(chunks, -(-total // CHUNK), f"{part.stem} (MB)", have // CHUNK):
                    stream.write(chunk)
            except (http.client.HTTPException, ConnectionError, TimeoutError):
                pass  # the caller sees how far it came
    return total


def _request(url: str, have: int) -> http.client.HTTPResponse:
    """The response for what follows the first `have` bytes; status 200, 206 or 416."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            return error  # type: ignore[return-value]  # an HTTPError is a response, too
        raise DepthGError(f"{url}: {error.code} {error.reason}: get the file by hand") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise DepthGError(
            f"{url}: {reason}: the same command goes on once it can be reached, or get the file by hand"
        ) from None


def _total(response: http.client.HTTPResponse, have: int) -> int | None:
    """The bytes of the whole file, from `Content-Range: bytes 5-9/10` or `bytes */10`, else the length."""
    whole = (response.headers.get("Content-Range") or "").rpartition("/")[2]
    if whole.isdigit():
        return int(whole)
    length = response.headers.get("Content-Length")
    return have + int(length) if length and response.status != 416 else None
