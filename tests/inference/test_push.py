"""A model goes to a hub on this machine, and comes back from it."""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import huggingface_hub.constants
import numpy as np
import pytest

from depthg.cli import main
from depthg.errors import DepthGError
from depthg.inference import config as names
from depthg.inference.segmenter import Segmenter

COMMIT = "0" * 40


class Hub(BaseHTTPRequestHandler):
    """What the hub's client asks for when a folder is uploaded; files and requests are kept by the server."""

    def do_HEAD(self):
        self.do_GET(body=False)

    def do_GET(self, body=True):
        """A file, or what the hub says of the whole repository."""
        file = self.path.rpartition("/")[2]
        content = self.server.files.get(file)
        if "/tree/" in self.path:
            files = self.server.files.items()
            listed = [{"type": "file", "path": k, "size": len(v), "oid": COMMIT} for k, v in files]
            return self.answer(200, listed)
        if self.path.startswith("/api/models/me/sky"):
            siblings = [{"rfilename": name} for name in self.server.files]
            return self.answer(200, {"id": "me/sky", "sha": COMMIT, "siblings": siblings})
        if "/resolve/" in self.path and content is None:
            return self.answer(404, {"error": "Entry not found"})
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content or b"").hexdigest()}"')
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if body and content:
            self.wfile.write(content)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        answer = {"errors": [], "warnings": []}  # of api/validate-yaml
        if self.server.refuses:
            return self.answer(401, {"error": "Invalid username or password."})
        if self.path == "/api/repos/create":
            made = json.loads(body)
            answer = {"url": f"{self.server.url}/{made['organization']}/{made['name']}"}
        elif "/preupload/" in self.path:
            mode = {"uploadMode": "regular", "shouldIgnore": False}
            files = [{"path": one["path"], **mode} for one in json.loads(body)["files"]]
            answer = {"files": files}
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                elif line["key"] == "deletedFile":
                    del self.server.files[line["value"]["path"]]
            answer = {"commitUrl": f"{self.server.url}/me/sky/commit/{COMMIT}", "commitOid": COMMIT}
        self.answer(200, answer)

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.url, server.asked, server.files = f"http://127.0.0.1:{server.server_port}", [], {}
    server.refuses = False
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.url)
    files = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_model_is_uploaded_whole(made, hub, capsys):
    folder = made.model()
    (folder / "notes.txt").write_text("mine alone")
    assert main(["push", str(folder), "me/sky"]) == 0, capsys.readouterr().err
    assert set(hub.files) == {names.CONFIG, names.HEAD, names.PROBES}
    assert all((folder / file).read_bytes() == content for file, content in hub.files.items())
    assert f"{hub.url}/me/sky/commit" in capsys.readouterr().out


def test_nothing_stays_of_a_former_model_on_the_hub(made, hub):
    """Its axes would be applied; what depthg did not upload stays."""
    hub.files |= {names.AXES: b"former", "notes.txt": b"by hand"}
    assert main(["push", str(made.model()), "me/sky"]) == 0
    assert set(hub.files) == {names.CONFIG, names.HEAD, names.PROBES, "notes.txt"}


def test_what_was_uploaded_is_fetched_once(made, hub, picture, monkeypatch, capsys):
    folder = made.model()
    assert main(["push", str(folder), "me/sky"]) == 0
    found = Segmenter.from_pretrained("me/sky")
    np.testing.assert_array_equal(
        found(picture(48, 60)).labels, Segmenter.from_pretrained(folder)(picture(48, 60)).labels
    )
    hub.files.clear()
    assert Segmenter.from_pretrained("me/sky").fingerprint == found.fingerprint  # from the cache
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        DepthGError, match=r"model me/other: no such folder here, and not fetched .*HF_HUB_OFFLINE"
    ):
        Segmenter.from_pretrained("me/other")


def test_a_model_of_which_only_a_part_was_fetched_is_fetched(made, hub):
    assert main(["push", str(made.model()), "me/sky"]) == 0
    huggingface_hub.hf_hub_download("me/sky", names.CONFIG)
    assert Segmenter.from_pretrained("me/sky").names == ["road", "sky"]


def test_files_that_are_no_part_of_the_model_are_not_missed(made, hub, monkeypatch):
    assert main(["push", str(made.model()), "me/sky"]) == 0
    hub.files[".gitattributes"] = b"of every repository"
    found = Segmenter.from_pretrained("me/sky")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert Segmenter.from_pretrained("me/sky").fingerprint == found.fingerprint


def test_a_dry_run_asks_for_nothing(made, hub, capsys):
    assert main(["push", str(made.model()), "me/sky", "--dry-run"]) == 0
    assert hub.asked == [] and hub.files == {}
    printed = capsys.readouterr().out
    assert "head.safetensors" in printed and "nothing was uploaded" in printed


def test_what_is_wrong_is_one_line(made, hub, tmp_path, capsys):
    folder = made.model()
    for words, said in (
        ([str(folder), "sky"], "give OWNER/NAME"),
        ([str(tmp_path / "no"), "me/sky"], "no such model"),
    ):
        assert main(["push", *words]) == 1
        assert said in (told := capsys.readouterr().err) and told.count("\n") == 1
    hub.refuses = True
    assert main(["push", str(folder), "me/sky"]) == 1
    assert "hf auth login" in (told := capsys.readouterr().err) and told.count("\n") == 1
