"""Where networks of transformers are loaded from, and the one line if they cannot be."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import ViTConfig

from depthg.config.sections import DepthSource
from depthg.errors import DepthGError
from depthg.stages.depth import transformers as module
from depthg.stages.depth.transformers import Transformers

NAME = "Intel/zoedepth-nyu"


def opened(model: object) -> Transformers:
    settings = DepthSource(source="transformers", model=str(model), larger="farther", mirrored=True)
    return Transformers(settings, Path(), [])


@pytest.fixture
def folder(miniature, tmp_path) -> Path:
    """A copy of ZoeDepth's miniature."""
    return Path(shutil.copytree(miniature("zoedepth"), tmp_path / "zoe"))


@pytest.mark.parametrize("lacking", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file(folder, lacking):
    (folder / lacking).unlink()
    with pytest.raises(
        DepthGError, match=rf"'{folder}' cannot be loaded \(.*\): put config\.json, .* there"
    ) as caught:
        opened(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "content"), [("model.safetensors", "no weights"), ("config.json", "{"), ("config.json", "{}")]
)
def test_a_broken_file(folder, file, content):
    (folder / file).write_text(content)
    with pytest.raises(DepthGError, match=rf"'{folder}' cannot be loaded") as caught:
        opened(folder)
    assert "\n" not in str(caught.value)


def test_a_network_that_is_not_for_depth(tmp_path):
    ViTConfig(hidden_size=8).save_pretrained(tmp_path)
    with pytest.raises(DepthGError, match=r": a network of type vit, not for depth: choose .*depth_pro, dpt"):
        opened(tmp_path)


def test_code_that_comes_with_a_model_is_not_run(folder):
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "code.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text("raise SystemExit('was run')")
    with pytest.raises(DepthGError, match="contains custom code"):
        opened(folder)


@pytest.mark.parametrize("name", ["models/mine/v2", "/no/such", "./mine", "mine"])
def test_a_name_that_is_neither_folder_nor_hub_id(name):
    with pytest.raises(DepthGError, match=rf"depth_sources: model: {name} is no folder, nor a hub id"):
        opened(name)


@pytest.mark.parametrize("name", [NAME, "someone/else"])
def test_what_was_fetched_is_used_and_the_hub_not_asked(folder, tmp_path, monkeypatch, name):
    (tmp_path / "resources/weights" / name).parent.mkdir(parents=True)
    (tmp_path / "resources/weights" / name).symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "why_unreachable", lambda: pytest.fail("the hub was asked"))
    assert opened(name).identity == opened(folder).identity


@pytest.fixture
def cache(monkeypatch, tmp_path, folder):
    """The hub's cache with the miniature, of which some files may be removed; its folder."""
    from huggingface_hub import constants

    there = tmp_path / f"hub/models--{NAME.replace('/', '--')}"
    (there / "refs").mkdir(parents=True)
    (there / "refs/main").write_text("a" * 40)
    shutil.copytree(folder, there / "snapshots" / ("a" * 40))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    return there / "snapshots" / ("a" * 40)


def test_what_the_hubs_cache_holds_is_used_and_the_hub_not_asked(folder, cache, monkeypatch):
    monkeypatch.setattr(module, "why_unreachable", lambda: pytest.fail("the hub was asked"))
    assert opened(NAME).identity == opened(folder).identity


@pytest.mark.parametrize("lacking", ["config.json", "model.safetensors"])
def test_the_hub_is_asked_for_what_the_cache_lacks(cache, monkeypatch, lacking):
    (cache / lacking).unlink()
    monkeypatch.setattr(module, "why_unreachable", lambda: "it is away")
    with pytest.raises(
        DepthGError,
        match=rf"'{NAME}' cannot be loaded \(it is not on this machine; it is away\): where there is a "
        rf"network, `depthg weights fetch {NAME}` brings it",
    ):
        opened(NAME)
    monkeypatch.setattr(module, "why_unreachable", lambda: None)
    read, asked = Transformers._read, []

    def spy(self, place):
        asked.append(place)
        if place == NAME:
            raise OSError("no such model. Consult the manual.\nAnd more.")
        return read(self, place)

    monkeypatch.setattr(Transformers, "_read", spy)
    with pytest.raises(DepthGError, match=r"cannot be loaded \(no such model\): where"):
        opened(NAME)
    assert asked == ([NAME] if lacking == "config.json" else [str(cache), NAME])
