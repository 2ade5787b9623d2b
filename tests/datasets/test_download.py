"""Downloads from a server that breaks off, has no ranges, or is not there."""

import hashlib
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from depthg.datasets import download as module
from depthg.datasets.download import check_file, download
from depthg.errors import DepthGError

CONTENT = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """Serves CONTENT; sends at most `limit` bytes an answer and then breaks off, and notes the ranges asked for."""

    limit, ranges = len(CONTENT), True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.go_on = [], threading.Event()
        self.go_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.zip"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/file.zip":
            return self.send_error(404)
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted[6:-1]) if wanted and self.server.ranges else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if wanted and self.server.ranges else 200)
        if wanted and self.server.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + self.server.limit])
        self.server.go_on.wait(30)

    def log_message(self, *arguments):
        pass


@contextmanager
def _running():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server():
    with _running() as server:
        yield server


def test_a_file_is_fetched_whole(server, tmp_path):
    download(server.url, tmp_path / "deep/file.zip", len(CONTENT))
    assert (tmp_path / "deep/file.zip").read_bytes() == CONTENT
    assert server.asked == [None] and len(list((tmp_path / "deep").iterdir())) == 1


def test_a_killed_download_goes_on_where_it_stopped(server, tmp_path, monkeypatch):
    seen = []

    def killed(chunks, *arguments):
        for chunk in chunks:
            if len(seen) == 2:
                raise KeyboardInterrupt
            seen.append(chunk)
            yield chunk

    monkeypatch.setattr(module, "CHUNK", 50_000)
    with monkeypatch.context() as patch:
        patch.setattr(module, "track", killed)
        with pytest.raises(KeyboardInterrupt):
            download(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip.part").stat().st_size == 100_000 and not (tmp_path / "file.zip").exists()
    download(server.url, tmp_path / "file.zip")
    assert server.asked == [None, "bytes=100000-"]
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_process_killed_half_way_loses_nothing(server, tmp_path):
    server.limit = 100_000
    server.go_on.clear()  # the server falls silent after these, with the connection open
    part = tmp_path / "file.zip.part"
    code = "import sys, pathlib; from depthg.datasets import download as d; d.CHUNK = 20_000; "
    code += "d.download(sys.argv[1], pathlib.Path(sys.argv[2]))"
    process = subprocess.Popen([sys.executable, "-c", code, server.url, str(tmp_path / "file.zip")])
    try:
        for _ in range(600):
            if part.exists() and part.stat().st_size == 100_000:
                break
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    server.limit = len(CONTENT)
    server.go_on.set()
    assert part.read_bytes() == CONTENT[:100_000]
    download(server.url, tmp_path / "file.zip")
    assert server.asked == [None, "bytes=100000-"]
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_broken_connection_is_taken_up_again(server, tmp_path, capsys):
    server.limit = 100_000
    download(server.url, tmp_path / "file.zip")
    assert server.asked == [None, "bytes=100000-", "bytes=200000-"]
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert "connection lost at 0.1 MB of 0.3 MB, going on" in capsys.readouterr().out


def test_a_server_that_sends_no_more_is_named(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:1000])
    server.limit = 0
    with pytest.raises(
        DepthGError, match=r"file\.zip: cut off at 0\.0 MB of 0\.3 MB: the same command goes on"
    ):
        download(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip.part").read_bytes() == CONTENT[:1000]


def test_a_server_without_ranges_starts_over(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(b"x" * 1000)
    server.ranges = False
    download(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_part_that_is_whole_needs_no_more_bytes(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    download(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_a_part_of_something_longer_is_named(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT + b"x")
    with pytest.raises(DepthGError, match=r"file\.zip\.part: longer than the file at .*: delete it"):
        download(server.url, tmp_path / "file.zip")


def test_a_file_of_another_size_is_not_fetched(server, tmp_path):
    with pytest.raises(DepthGError, match=r"the server has 256000 bytes, 99 expected: get the file by hand"):
        download(server.url, tmp_path / "file.zip", 99)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_reached_is_named(server, tmp_path):
    with pytest.raises(DepthGError, match=r"/nothing: 404 Not Found: get the file by hand"):
        download(server.url.replace("file.zip", "nothing"), tmp_path / "file.zip")
    with pytest.raises(DepthGError, match=r"127\.0\.0\.1:1/file: .*refused.*: the same command goes on once"):
        download("http://127.0.0.1:1/file", tmp_path / "file.zip")


def test_too_little_room_is_told_before_anything_is_fetched(server, tmp_path):
    with pytest.raises(DepthGError, match=r"file\.zip: needs up to .* GB and the disk has"):
        download(server.url, tmp_path / "file.zip", 10**18)
    assert server.asked == []


def test_size_and_hash_are_checked(tmp_path, capsys):
    path, right = tmp_path / "file.zip", hashlib.sha256(CONTENT).hexdigest()
    path.write_bytes(CONTENT)
    check_file(path, len(CONTENT), right)
    assert capsys.readouterr().out == ""
    check_file(path, None, None)
    assert f"file.zip: sha256 {right} (none is known" in capsys.readouterr().out
    with pytest.raises(DepthGError, match=r"file\.zip: 256000 bytes, 7 expected: delete it"):
        check_file(path, 7, right)
    with pytest.raises(DepthGError, match=rf"file\.zip: sha256 {right}, 00ff expected"):
        check_file(path, None, "00ff")
