"""Without the hub there is one brief request and one line; what its cache holds needs none."""

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from huggingface_hub import constants

from depthg.weights import hub
from depthg.weights.hub import cached, why_unreachable

CLOSED = "http://127.0.0.1:9"
CODE = """
import json, sys

connections = []
sys.addaudithook(lambda event, values: connections.append(values[1]) if event == "socket.connect" else None)

from pathlib import Path
from depthg.config.sections import Backbone, DepthSource
from depthg.errors import DepthGError
from depthg.models.backbones import DenseBackbone
from depthg.stages.depth.transformers import Transformers

def network():
    Transformers(DepthSource(source="transformers", model="someone/depth", larger="nearer"), Path(), [])

found = []
for load in (lambda: DenseBackbone(Backbone(model="vit_small_patch8_224.dino"), "dino_vits8"), network):
    del connections[:]
    try:
        load()
    except DepthGError as error:
        found.append((str(error), len(connections)))
print(json.dumps(found))
"""


@pytest.mark.parametrize("offline", [False, True])
def test_one_connection_is_tried_and_the_command_that_helps_is_named(tmp_path, offline):
    """By the libraries themselves, which connect 15 times in a minute if asked."""
    own = {"HF_ENDPOINT": CLOSED, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1" if offline else "0"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=os.environ | own, capture_output=True, text=True, check=True
    )
    (backbone, first), (network, second) = json.loads(done.stdout.splitlines()[-1])
    assert first == second == (0 if offline else 1)
    reason = "HF_HUB_OFFLINE is set" if offline else f"{CLOSED}: [Errno 111] Connection refused"
    for message, command in (
        (backbone, "`depthg weights fetch dino_vits8`"),
        (network, "`depthg weights fetch someone/depth`"),
    ):
        assert reason in message and command in message and "\n" not in message
    assert "Retrying" not in done.stderr


@pytest.fixture
def endpoint(monkeypatch):
    """Makes an address that of the hub."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return lambda address: monkeypatch.setattr(constants, "ENDPOINT", address)


@pytest.mark.parametrize(("status", "reason"), [(200, None), (404, None), (503, "answers 503")])
def test_any_answer_will_do_but_that_the_hub_is_out_of_order(endpoint, status, reason):
    asked = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        endpoint(address)
        assert why_unreachable() == (reason and f"{address} {reason}")
        server.shutdown()
    assert asked == ["/"]


def test_a_hub_that_never_answers_is_waited_for_briefly(endpoint, monkeypatch):
    monkeypatch.setattr(hub, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        endpoint(address)
        assert why_unreachable().startswith(address)


def test_a_look_up_of_the_address_that_hangs_is_waited_for_briefly(endpoint, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(hub, "TIMEOUT", 0.1)
    monkeypatch.setattr(hub, "_why_silent", lambda _: released.wait(60) and None)
    endpoint("https://hub")
    assert why_unreachable() == "https://hub does not answer"
    released.set()


def test_what_the_hubs_cache_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--timm--vit"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text("c0ffee")
    (folder / "snapshots/c0ffee").mkdir(parents=True)
    assert cached("timm/vit", "model.safetensors") is None
    (folder / "snapshots/c0ffee/model.safetensors").touch()
    assert cached("timm/vit", "model.safetensors") == folder / "snapshots/c0ffee/model.safetensors"
    assert cached("timm/other", "model.safetensors") is None
