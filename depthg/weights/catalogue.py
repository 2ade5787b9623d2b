"""The catalogue of pretrained weights: the files that a backbone or depth source needs, and their download.

workflow/weights.yaml lists files by their path under resources/weights: for a model of the Hugging Face hub a folder
named by its id (Intel/zoedepth-nyu/config.json), else the file name. Models of the hub need no entry: their files are
known by name, but have no SHA-256.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from depthg.config import Config, load_project
from depthg.config.base import Model, Positive
from depthg.config.sections import Backbone, DepthSource
from depthg.errors import DepthGError, unknown
from depthg.runtime.download import download, unavailable
from depthg.runtime.files import file_hash
from depthg.runtime.progress import info
from depthg.runtime.workflow import ROOT

FOLDER = Path("resources/weights")
CONFIG_FILE = Path("config.yaml")  # of a project, unless another one is named
TABLE = ROOT / "workflow/weights.yaml"
HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+")
WEIGHTS = "model.safetensors"
DEPTH_FILES = (
    "config.json",
    "preprocessor_config.json",
    WEIGHTS,
)  # the weights last: with them all are there


class WeightsFile(Model):
    """An entry of workflow/weights.yaml: URL of a file, and its SHA-256 and size in bytes if known."""

    url: str
    sha256: str | None = None
    size: Positive | None = None


def table() -> dict[str, WeightsFile]:
    """The catalogue: path under resources/weights → entry; empty if the workflow is not installed."""
    if not TABLE.is_file():
        return {}
    return {key: WeightsFile(**row) for key, row in yaml.safe_load(TABLE.read_text()).items()}


def fetch(name: str, config_file: Path, offline: bool) -> None:
    """Download the weights of a backbone or depth source, or files of the catalogue, and show their SHA-256.

    Args:
        name: a backbone or depth source of the configuration, a file or folder of the catalogue, or the hub id of a
            depth network.
        config_file: the project's config.yaml; not read if `name` is in the catalogue. Where there is no project, as on
            a machine that only fetches, the shipped configuration speaks alone.
        offline: only verify files that are present; implied by HF_HUB_OFFLINE=1.

    Raises:
        DepthGError: the name or its weights are unknown, a download failed, or a file has another SHA-256.
    """
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    rows = _below(name, table()) or _needed_by(name, _configured(config_file))
    if not rows:
        return info(f"{name}: needs no published weights")
    for key, row in rows.items():
        to = FOLDER / key
        if offline and not to.is_file():
            raise unavailable(row.url, to, row.sha256, "offline")
        digest = download(row.url, to, row.sha256, row.size)
        info(f"{to}: sha256 {digest}" + ("" if row.sha256 else f", not pinned: note it in {_shown(TABLE)}"))


def fetched(hub_id: str) -> Path | None:
    """The folder under resources/weights of a hub model; None unless its files are present."""
    keys = _below(hub_id, table()) or [f"{hub_id}/{WEIGHTS}"]
    return FOLDER / hub_id if all((FOLDER / key).is_file() for key in keys) else None


def check_pin(path: Path) -> None:
    """Check the SHA-256 of a file whose name is in the catalogue.

    Raises:
        DepthGError: it is not the SHA-256 in the catalogue.
    """
    row = table().get(path.name)
    if row is not None and row.sha256 is not None and file_hash(path) != row.sha256:
        raise DepthGError(
            f"{path}: is not the file pinned as {path.name} in {_shown(TABLE)} (sha256 {row.sha256}): "
            f"remove it and run `depthg weights fetch {path.name}`, or correct the pin"
        )


def timm_hub_id(model: str) -> str | None:
    """The hub id of the pretrained weights that timm loads for a model; None: it has none on the hub."""
    from timm.models import get_pretrained_cfg  # takes seconds to import; only needed for backbones

    pretrained = get_pretrained_cfg(model, allow_unregistered=True)
    return pretrained.hf_hub_id if pretrained else None


def _configured(config_file: Path) -> Config:
    return load_project(config_file if config_file != CONFIG_FILE or config_file.is_file() else {})


def _needed_by(name: str, config: Config) -> dict[str, WeightsFile]:
    """The files of a backbone, depth source or hub id: path under resources/weights → entry; empty: no download."""
    if name in config.backbones:
        return _of_backbone(config.network(name))
    if name in config.depth_sources:
        return _of_source(config.depth_sources[name])
    if HUB_ID.fullmatch(name):
        return _on_hub(name, DEPTH_FILES)
    raise unknown("backbone or depth source", name, [*config.backbones, *config.depth_sources])


def _of_backbone(backbone: Backbone) -> dict[str, WeightsFile]:
    if backbone.weights:
        return _file(backbone.weights)
    if hub_id := timm_hub_id(backbone.model):
        return _on_hub(hub_id, [WEIGHTS])
    raise DepthGError(
        f"timm has no weights of '{backbone.model}' on the hub: choose another model, or a file"
    )


def _of_source(source: DepthSource) -> dict[str, WeightsFile]:
    if source.model is None or Path(source.model).is_dir():
        return {}
    if source.source != "transformers":
        return _file(source.model)
    return _on_hub(source.model, DEPTH_FILES) if HUB_ID.fullmatch(source.model) else {}


def _on_hub(hub_id: str, files: Iterable[str]) -> dict[str, WeightsFile]:
    """The entries of a hub model: those of the catalogue, else `files` at their addresses."""
    address = f"https://huggingface.co/{hub_id}/resolve/main"
    return _below(hub_id, table()) or {
        f"{hub_id}/{file}": WeightsFile(url=f"{address}/{file}") for file in files
    }


def _file(path: str) -> dict[str, WeightsFile]:
    """The entry of a file by its path from the working directory; none for a file elsewhere, the user's own."""
    if not Path(path).is_relative_to(FOLDER):
        return {}
    key = str(Path(path).relative_to(FOLDER))
    if rows := _below(key, table()):
        return rows
    raise DepthGError(f"{_shown(TABLE)}: knows no file of '{key}': add a row with its url")


def _below(target: str, rows: dict[str, WeightsFile]) -> dict[str, WeightsFile]:
    """The entries of a file, or of a folder."""
    return {key: row for key, row in rows.items() if key == target or key.startswith(f"{target}/")}


def _shown(path: Path) -> str:
    """The last two parts of a path, for messages."""
    return "/".join(path.parts[-2:])
