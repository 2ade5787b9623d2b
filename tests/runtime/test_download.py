"""Downloads from a server that breaks off, ignores ranges, or has another file than was meant."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from depthg.errors import DepthGError
from depthg.runtime import download as module
from depthg.runtime.download import download

CONTENT = bytes(range(256)) * 4000  # one MiB less 24 kB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Site(BaseHTTPRequestHandler):
    """Serves CONTENT under every path, in the way that the attributes of the server say."""

    def do_GET(self):
        site = self.server
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        site.asked.append(start)
        if "none" in self.path:
            return self.send_error(404)
        if not site.ranges:
            start = 0
        elif start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        stop = site.breaks_at.pop(0) if site.breaks_at else len(CONTENT)
        if site.chunk:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for place in range(start, stop, site.chunk):
                part = CONTENT[place : min(place + site.chunk, stop)]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            return self.wfile.write(b"0\r\n\r\n" if stop == len(CONTENT) else b"")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.asked, server.breaks_at, server.ranges, server.chunk = [], [], True, None
    server.url = f"http://127.0.0.1:{server.server_port}/weights.pth"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_is_fetched_once(site, tmp_path):
    to = tmp_path / "deep/weights.pth"
    assert download(site.url, to) == SHA256 == download(site.url, to, SHA256)
    assert to.read_bytes() == CONTENT and site.asked == [0]
    assert sorted(path.name for path in to.parent.iterdir()) == ["SHA256SUMS", "weights.pth"]


def test_a_broken_connection_is_taken_up_again(site, tmp_path):
    site.breaks_at = [300_000, 700_000]
    assert download(site.url, tmp_path / "w", SHA256, len(CONTENT)) == SHA256
    assert site.asked == [0, 300_000, 700_000]


def test_a_broken_connection_is_no_end_of_a_file_whose_size_is_not_told(site, tmp_path, monkeypatch):
    site.chunk, site.breaks_at = 1000, [300_000]
    monkeypatch.setattr(module, "CHUNK", 10_000)
    with pytest.raises(DepthGError, match=r"the connection breaks, of a server .*: it goes on"):
        download(site.url, tmp_path / "w")
    assert [path.name for path in tmp_path.iterdir()] == ["w.part"]
    assert download(site.url, tmp_path / "w") == SHA256
    assert 0 == site.asked[0] < site.asked[1] <= 300_000


def test_a_killed_download_goes_on_at_the_next_call(site, tmp_path):
    (tmp_path / "w.part").write_bytes(CONTENT[:400_000])
    assert download(site.url, tmp_path / "w", SHA256) == SHA256
    assert site.asked == [400_000] and not (tmp_path / "w.part").exists()


def test_a_connection_that_brings_nothing_is_given_up_and_the_part_kept(site, tmp_path):
    site.breaks_at = [300_000, 300_000, 300_000]
    with pytest.raises(DepthGError, match=r"the connection breaks after 300,000 bytes.*: it goes on"):
        download(site.url, tmp_path / "w", SHA256)
    assert (tmp_path / "w.part").read_bytes() == CONTENT[:300_000]
    assert download(site.url, tmp_path / "w", SHA256) == SHA256


def test_a_server_without_ranges_sends_it_all_again(site, tmp_path):
    site.ranges = False
    (tmp_path / "w.part").write_bytes(b"x" * 1000)
    assert download(site.url, tmp_path / "w") == SHA256
    site.breaks_at = [5000] * 9
    with pytest.raises(DepthGError, match="breaks after 5,000 bytes"):
        download(site.url, tmp_path / "other")
    assert len(site.asked) == 3


@pytest.mark.parametrize(
    ("part", "asked"), [(CONTENT, [len(CONTENT)]), (CONTENT + b"x", [len(CONTENT) + 1, 0])]
)
def test_a_part_that_is_whole_or_too_long(site, tmp_path, part, asked):
    (tmp_path / "w.part").write_bytes(part)
    assert download(site.url, tmp_path / "w") == SHA256
    assert site.asked == asked


def test_another_file_than_was_meant_is_not_kept(site, tmp_path):
    with pytest.raises(DepthGError, match=rf"came from {site.url} has sha256 {SHA256}, not 00"):
        download(site.url, tmp_path / "w", "00")
    with pytest.raises(DepthGError, match="the server has 1,024,000 bytes, 7 were expected"):
        download(site.url, tmp_path / "w", size=7)
    assert not list(tmp_path.iterdir())


def test_a_file_put_there_by_hand_is_checked_and_never_removed(site, tmp_path):
    (tmp_path / "w").write_bytes(b"mine")
    with pytest.raises(DepthGError, match=r"what is there has sha256 .*: remove it, or correct"):
        download(site.url, tmp_path / "w", SHA256)
    assert (tmp_path / "w").read_bytes() == b"mine" and not site.asked


def test_without_the_file_the_error_says_what_to_do(site, tmp_path):
    with pytest.raises(DepthGError) as caught:
        download(f"{site.url}/none", tmp_path / "w", "ab12")
    assert str(caught.value) == (
        f"{tmp_path}/w: not downloaded (HTTP Error 404: Not Found): get {site.url}/none (sha256 ab12) where there is "
        "a network and put it there, or run the same command again: it goes on where it stopped"
    )


def test_without_network(tmp_path):
    with pytest.raises(DepthGError, match=r"not downloaded .*refused"):
        download("http://127.0.0.1:9/w", tmp_path / "w")


def test_a_full_disk_is_not_taken_for_a_broken_connection(site, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_append", full)
    with pytest.raises(OSError, match="No space left"):
        download(site.url, tmp_path / "w")


def test_a_file_of_unknown_hash_is_trusted_once(site, tmp_path):
    assert download(site.url, tmp_path / "w") == SHA256
    assert (tmp_path / "SHA256SUMS").read_text() == f"{SHA256}  w\n"
    assert download(site.url, tmp_path / "w") == SHA256  # nothing new to say
    (tmp_path / "w").write_bytes(b"another")
    with pytest.raises(DepthGError, match=rf"w: has sha256 .*, but what was here first had {SHA256}: .*line"):
        download(site.url, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == b"another"  # the user's own is never removed


def test_a_file_that_the_publisher_changed_is_not_kept(site, tmp_path):
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  w\n")
    with pytest.raises(DepthGError, match=f"w: has sha256 {SHA256}, but what was here first had 000"):
        download(site.url, tmp_path / "w")
    assert [path.name for path in tmp_path.iterdir()] == ["SHA256SUMS"]
    assert download(site.url, tmp_path / "w", SHA256) == SHA256  # a hash that is known vouches for it


@pytest.mark.parametrize("url", ["http://example.org/w", "ftp://example.org/w", "w"])
def test_only_https_may_bring_what_nothing_vouches_for(tmp_path, url):
    with pytest.raises(DepthGError, match="is no https address, and no sha256 is known"):
        download(url, tmp_path / "w")
    assert not list(tmp_path.iterdir())


def test_a_server_that_sends_without_end_is_stopped(site, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1000)
    with pytest.raises(DepthGError, match="the server has 1,024,000 bytes, more than 1,000"):
        download(site.url, tmp_path / "w")
    monkeypatch.setattr(module, "_total", lambda *_: None)
    with pytest.raises(DepthGError, match="the server sends more than 1,000 bytes"):
        download(site.url, tmp_path / "w")


@pytest.mark.parametrize("to", ["w", "none/w"])
def test_no_message_holds_the_token_of_an_address(site, tmp_path, to):
    """Of a server that refuses, or of a file that is another one."""
    url = site.url.replace("weights", to) + "?dl=1&X-Signature=planted"
    with pytest.raises(DepthGError, match=r"dl=1&X-Signature=…") as error:
        download(url, tmp_path / "w", "0" * 64)
    assert "planted" not in str(error.value)


def test_an_address_with_a_password_is_refused_without_telling_it(tmp_path):
    with pytest.raises(DepthGError, match=r"https://…@host/w has a name or password in it: name ") as error:
        download("https://me:planted@host/w", tmp_path / "w")
    assert "planted" not in str(error.value)
