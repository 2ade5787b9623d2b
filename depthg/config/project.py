"""Reading the configuration of a project, and printing the settings of an experiment with their origins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from depthg.config.configuration import Config
from depthg.config.layers import flatten, merge
from depthg.config.reading import read_yaml
from depthg.config.validation import validated
from depthg.errors import DepthGError
from depthg.runtime.workflow import CONFIG


def load_config(content: Mapping[str, Any] | Path) -> Config:
    """The configuration from a mapping (Snakemake's merged `config`) or from the path of a YAML file.

    Raises:
        DepthGError: the file is missing or not YAML, a key is unknown, or a value is out of range.

    Example:
        >>> load_config({"experiments": {"small": {"samples": 5}}}).experiments
        {'small': {'samples': 5}}
    """
    if isinstance(content, Mapping):
        return validated(Config, content, "config.yaml")
    return validated(Config, _read(content), str(content))


def load_project(content: Mapping[str, Any] | Path) -> Config:
    """The configuration of a project: what it says, merged over the shipped config.yaml.

    Args:
        content: Snakemake's merged `config`, or the path of a YAML file.

    Raises:
        DepthGError: see `load_config`.
    """
    own = _read(content) if isinstance(content, Path) else content
    if isinstance(own, Mapping):  # else it is refused below
        own = merge(read_yaml(CONFIG), own)
    return validated(Config, own, str(content) if isinstance(content, Path) else "config.yaml")


def _read(path: Path) -> Any:
    try:
        return read_yaml(path)
    except OSError as error:
        raise DepthGError(
            f"{path}: {error.strerror}: run this in a project's folder (`depthg new` makes one), or name its "
            "configuration with --config-file"
        ) from None


def resolved(config: Config, dataset: str, experiment: str) -> str:
    """Settings as YAML, one per line: dotted key, value and, as a comment, the origin.

    The same keys change a setting in an experiment's name: `ours+terms.depth.weight=0.3`.

    Raises:
        DepthGError: a name or key is unknown, or a value is out of range.
    """
    origins = config.origins(dataset, experiment)
    settings = config.resolve(dataset, experiment)
    values = flatten({**vars(settings), **settings.model_dump()})  # a dump leaves out some at their defaults
    lines = {key: f"{key}: {_in_line(value)}" for key, value in values.items()}
    width = max(map(len, lines.values()))
    return "".join(f"{line:<{width}}  # {origins.get(key, 'default')}\n" for key, line in lines.items())


def _in_line(value: Any) -> str:
    """A value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()
