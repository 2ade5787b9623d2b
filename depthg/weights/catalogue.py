"""The catalogue of pretrained weights: the files that a backbone or depth source needs, and their download.

workflow/weights.yaml lists files by their path under resources/weights: for a model of the Hugging Face hub a folder
named by its id (Intel/zoedepth-nyu/config.json), else the file name.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import yaml

from depthg.config import Config, load_project
from depthg.config.base import Model, Positive
from depthg.config.sections import DepthSource
from depthg.errors import DepthGError, unknown
from depthg.runtime.download import download, unavailable
from depthg.runtime.files import file_hash
from depthg.runtime.progress import info
from depthg.runtime.workflow import ROOT

FOLDER = Path("resources/weights")
TABLE = ROOT / "workflow/weights.yaml"


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
        name: a backbone or depth source of the configuration, or a file or folder of the catalogue.
        config_file: the project's config.yaml; not read if `name` is in the catalogue.
        offline: only verify files that are present; implied by HF_HUB_OFFLINE=1.

    Raises:
        DepthGError: the name or its weights are unknown, a download failed, or a file has another SHA-256.
    """
    rows = table()
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    target = name if _below(name, rows) else _needed_by(name, load_project(config_file))
    if target is None:
        return info(f"{name}: needs no published weights")
    for key in _files(target, rows):
        row, to = rows[key], FOLDER / key
        if offline and not to.is_file():
            raise unavailable(row.url, to, row.sha256, "offline")
        digest = download(row.url, to, row.sha256, row.size)
        info(f"{to}: sha256 {digest}" + ("" if row.sha256 else f", not pinned: note it in {_shown(TABLE)}"))


def fetched(hub_id: str) -> Path | None:
    """The folder under resources/weights of a hub model; None unless all its files in the catalogue are present."""
    keys = [key for key in table() if key.startswith(f"{hub_id}/")]
    complete = keys and all((FOLDER / key).is_file() for key in keys)
    return FOLDER / hub_id if complete else None


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


def timm_hub_id(model: str) -> str:
    """The hub id of the pretrained weights that timm loads for a model."""
    from timm.models import get_pretrained_cfg  # takes seconds to import; only needed for backbones

    pretrained = get_pretrained_cfg(model, allow_unregistered=True)
    return (pretrained.hf_hub_id if pretrained else None) or f"timm/{model}"


def _needed_by(name: str, config: Config) -> str | None:
    """The weights of a backbone or depth source: a hub id, or a path under resources/weights; None: no download."""
    if name in config.backbones:
        backbone = config.backbones[name]
        return _under(backbone.weights) if backbone.weights else timm_hub_id(backbone.model)
    if name in config.depth_sources:
        return _of_source(config.depth_sources[name])
    raise unknown("backbone or depth source", name, [*config.backbones, *config.depth_sources])


def _of_source(source: DepthSource) -> str | None:
    if source.model is None or Path(source.model).is_dir():
        return None
    return _under(source.model) if Path(source.model).suffix == ".ckpt" else source.model


def _under(path: str) -> str | None:
    """A path relative to resources/weights; None for a file elsewhere, which is the user's own."""
    return str(Path(path).relative_to(FOLDER)) if Path(path).is_relative_to(FOLDER) else None


def _files(target: str, rows: dict[str, WeightsFile]) -> list[str]:
    """Paths in the catalogue that belong to a hub id, file or folder, of which there must be one."""
    if keys := _below(target, rows):
        return keys
    raise DepthGError(f"{_shown(TABLE)}: knows no file of '{target}': add a row with its url")


def _below(target: str, rows: Iterable[str]) -> list[str]:
    return [key for key in rows if key == target or key.startswith(f"{target}/")]


def _shown(path: Path) -> str:
    """The last two parts of a path, for messages."""
    return "/".join(path.parts[-2:])
