"""The weights that a name in config.yaml needs, and the errors where they cannot be had."""

from pathlib import Path

import pytest
import yaml

from depthg.config import load_config
from depthg.errors import DepthGError
from depthg.weights import catalogue as module
from depthg.weights.catalogue import DEPTH_FILES, check_pin, fetch, fetched, table

ROOT = Path(__file__).parents[2]
HUB = "https://huggingface.co"
ROWS = {
    "dino.pth": {"url": "http://x/dino.pth", "sha256": "ab" * 32},
    "a/zoe/config.json": {"url": "http://x/c", "sha256": None},
    "a/zoe/model.safetensors": {"url": "http://x/m", "sha256": None},
    "a/zoe-large/config.json": {"url": "http://x/l", "sha256": None},
}
CONFIG = {
    "backbones": {
        "dino": {"model": "vit_small_patch8_224", "weights": "resources/weights/dino.pth"},
        "mine": {"model": "resnet18", "weights": "mine.pth"},
        "odd": {"model": "vit_giant_patch14_dinov2.lvd142m"},
        "projected": {"of": "dino", "channels": 64},
        "elsewhere": {"model": "gcvit_tiny.in1k"},
        "unlisted": {"model": "resnet18", "weights": "resources/weights/unlisted.pth"},
    },
    "depth_sources": {
        "zoe": {"source": "transformers", "model": "a/zoe", "larger": "farther"},
        "other": {"source": "transformers", "model": "b/other", "larger": "nearer"},
        "folder": {"source": "transformers", "model": "models/mine/v2", "larger": "nearer"},
        "sensor": {"source": "files", "name": "sensor", "larger": "farther"},
    },
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory with a configuration and a small table; what is downloaded is listed."""
    (tmp_path / "table/weights.yaml").parent.mkdir()
    (tmp_path / "table/weights.yaml").write_text(yaml.safe_dump(ROWS))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "TABLE", tmp_path / "table/weights.yaml")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path


@pytest.fixture
def downloaded(monkeypatch):
    urls = []

    def download(url, to, sha256, size):
        urls.append(url)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(b"weights")
        return "cd" * 32

    monkeypatch.setattr(module, "download", download)
    return urls


@pytest.mark.parametrize(
    ("name", "urls"),
    [
        ("dino", ["http://x/dino.pth"]),
        ("dino.pth", ["http://x/dino.pth"]),
        ("zoe", ["http://x/c", "http://x/m"]),
        ("projected", ["http://x/dino.pth"]),
        ("odd", [f"{HUB}/timm/vit_giant_patch14_dinov2.lvd142m/resolve/main/model.safetensors"]),
        ("other", [f"{HUB}/b/other/resolve/main/{file}" for file in DEPTH_FILES]),
        ("c/none", [f"{HUB}/c/none/resolve/main/{file}" for file in DEPTH_FILES]),
        ("folder", []),
        ("sensor", []),
        ("mine", []),
    ],
)
def test_what_a_name_needs(here, downloaded, capsys, name, urls):
    fetch(name, Path("config.yaml"), offline=False)
    assert downloaded == urls
    printed = capsys.readouterr().out
    assert ("sha256 " + "cd" * 32 in printed) if urls else ("needs no published weights" in printed)
    pinned = not urls or urls == ["http://x/dino.pth"]
    assert ("not pinned: note it in table/weights.yaml" in printed) != pinned


def test_a_row_needs_no_configuration(here, downloaded):
    (here / "config.yaml").unlink()
    fetch("dino.pth", Path("config.yaml"), offline=False)
    assert (here / "resources/weights/dino.pth").is_file()


def test_without_a_project_the_shipped_backbones_are_known(here, downloaded):
    (here / "config.yaml").unlink()
    fetch("dino_vits8", Path("config.yaml"), offline=False)
    assert downloaded == [
        "https://huggingface.co/timm/vit_small_patch8_224.dino/resolve/main/model.safetensors"
    ]
    with pytest.raises(DepthGError, match=r"other\.yaml: No such file"):
        fetch("dino_vits8", Path("other.yaml"), offline=False)


@pytest.mark.parametrize("variable", [None, "1", "true"])
def test_offline_downloads_nothing_and_says_which_file_to_put_where(here, downloaded, monkeypatch, variable):
    if variable:
        monkeypatch.setenv("HF_HUB_OFFLINE", variable)
    with pytest.raises(DepthGError) as caught:
        fetch("dino", Path("config.yaml"), offline=variable is None)
    message = str(caught.value)
    assert message.startswith("resources/weights/dino.pth: not downloaded (offline)")
    assert "get http://x/dino.pth (sha256 abab" in message and not downloaded


def test_unknown_names_are_explained(here, downloaded):
    with pytest.raises(DepthGError, match="unknown backbone or depth source 'dina': did you mean 'dino'"):
        fetch("dina", Path("config.yaml"), offline=False)
    with pytest.raises(DepthGError, match=r"table/weights\.yaml: knows no file of 'unlisted\.pth'"):
        fetch("unlisted", Path("config.yaml"), offline=False)
    with pytest.raises(DepthGError, match=r"timm has no weights of 'gcvit_tiny\.in1k' on the hub"):
        fetch("elsewhere", Path("config.yaml"), offline=False)


def test_a_hub_model_is_here_when_all_its_files_are(here):
    for name in ("config.json", "model.safetensors"):
        assert fetched("a/zoe") is None
        path = here / "resources/weights/a/zoe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert fetched("a/zoe") == Path("resources/weights/a/zoe")
    assert fetched("a/other") is None
    path = Path("resources/weights/a/other/model.safetensors")
    path.parent.mkdir()
    path.touch()
    assert fetched("a/other") == path.parent  # without entries its weights, which are fetched last


def test_the_package_works_without_the_workflow_around_it(here):
    (here / "table/weights.yaml").unlink()
    assert fetched("a/zoe") is None
    with pytest.raises(DepthGError, match=r"table/weights\.yaml: knows no file of 'dino\.pth'"):
        fetch("dino", Path("config.yaml"), offline=False)


def test_a_file_that_is_not_the_pinned_one_is_refused(here):
    (here / "dino.pth").write_bytes(b"other weights")
    with pytest.raises(
        DepthGError, match=r"dino\.pth: is not the file pinned .*depthg weights fetch dino\.pth"
    ):
        check_pin(here / "dino.pth")
    check_pin(here / "unknown.pth")


def test_everything_in_config_yaml_can_be_fetched():
    config, rows = load_config(ROOT / "config.yaml"), table()
    for name in [*config.backbones, *config.depth_sources]:
        assert set(module._needed_by(name, config)) <= set(rows), name
    assert set(module._needed_by("midas", config)) == {f"Intel/dpt-large/{file}" for file in DEPTH_FILES}


def test_hashes_and_addresses_have_the_right_form():
    for key, row in table().items():
        assert row.url.startswith("https://") and not key.startswith("/")
        assert row.sha256 is None or (len(row.sha256) == 64 and row.sha256 == row.sha256.lower())
