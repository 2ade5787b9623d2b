"""A model goes to a hub on this machine, and comes back from it."""

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import huggingface_hub.constants
import pytest

from depthg.cli import main
from depthg.inference import config as names


class Hub(BaseHTTPRequestHandler):
    """What the hub's client asks for when a folder is uploaded; files and requests are kept by the server."""

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

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
            answer = {"commitUrl": f"{self.server.url}/me/sky/commit/{'0' * 40}", "commitOid": "0" * 40}
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
def hub(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.url, server.asked, server.files = f"http://127.0.0.1:{server.server_port}", [], {}
    server.refuses = False
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.url)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
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
