"""The catalogue of published weights: which files a backbone or depth source needs, and fetching them.

workflow/weights.yaml lists the files under resources/weights: those of a hub's model in a folder of its id
(Intel/zoedepth-nyu/config.json), any other by its name.
"""

import os
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
    """A row of workflow/weights.yaml: the address of a file, its SHA-256 and size where they are known."""

    url: str
    sha256: str | None = None
    size: Positive | None = None


def table() -> dict[str, WeightsFile]:
    """Path under resources/weights → the file that belongs there; empty if the workflow is not installed."""
    if not TABLE.is_file():
        return {}
    return {key: WeightsFile(**row) for key, row in yaml.safe_load(TABLE.read_text()).items()}


def fetch(name: str, config_file: Path, offline: bool) -> None:
    """Download what a backbone or depth source needs, or rows of the table, and show the hashes.

    Args:
        name: its name in the configuration, or a path of the table: a file's or a folder's.
        config_file: the configuration; not read for a path.
        offline: only check what is here, as HF_HUB_OFFLINE=1 does.

    Raises:
        DepthGError: the name or its weights are unknown, or a file cannot be had or is not the one pinned.
    """
    rows = table()
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    listed = any(key == name or key.startswith(f"{name}/") for key in rows)
    wanted = name if listed else _needed_by(name, load_project(config_file))
    if wanted is None:
        return info(f"{name}: needs no published weights")
    for key in _files(wanted, rows):
        row, to = rows[key], FOLDER / key
        if offline and not to.is_file():
            raise unavailable(row.url, to, row.sha256, "offline")
        digest = download(row.url, to, row.sha256, row.size)
        info(f"{to}: sha256 {digest}" + ("" if row.sha256 else f", not pinned: note it in {_shown(TABLE)}"))


def fetched(hub_id: str) -> Path | None:
    """The folder of a hub's model under resources/weights, when every file the table lists of it is there."""
    keys = [key for key in table() if key.startswith(f"{hub_id}/")]
    complete = keys and all((FOLDER / key).is_file() for key in keys)
    return FOLDER / hub_id if complete else None


def check_pin(path: Path) -> None:
    """Refuse a file that has the name of one in the table but another hash.

    Raises:
        DepthGError: the SHA-256 is not the pinned one.
    """
    row = table().get(path.name)
    if row is not None and row.sha256 is not None and file_hash(path) != row.sha256:
        raise DepthGError(
            f"{path}: is not the file pinned as {path.name} in {_shown(TABLE)} (sha256 {row.sha256}): "
            f"remove it and run `depthg weights fetch {path.name}`, or correct the pin"
        )


def timm_hub_id(model: str) -> str:
    """The hub's id of the weights that timm takes for a model's name."""
    from timm.models import get_pretrained_cfg  # seconds to import, and only backbones need it

    published = get_pretrained_cfg(model, allow_unregistered=True)
    return (published.hf_hub_id if published else None) or f"timm/{model}"


def _needed_by(name: str, config: Config) -> str | None:
    """What a name in the configuration needs: a hub's id, or a path under resources/weights; None for nothing."""
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
    """A path relative to resources/weights; None for a user's own file elsewhere."""
    return str(Path(path).relative_to(FOLDER)) if Path(path).is_relative_to(FOLDER) else None


def _files(wanted: str, rows: dict[str, WeightsFile]) -> list[str]:
    """The rows of the table for a hub id or a path."""
    keys = [key for key in rows if key == wanted or key.startswith(f"{wanted}/")]
    if not keys:
        raise DepthGError(f"{_shown(TABLE)}: knows no file of '{wanted}': add a row with its url")
    return keys


def _shown(path: Path) -> str:
    """The last two parts of a path, for messages."""
    return "/".join(path.parts[-2:])
