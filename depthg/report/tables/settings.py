"""The settings of an experiment, and where each was written."""

from collections.abc import Mapping
from typing import Any

import yaml

from depthg.config import Config


def resolved(config: Config, dataset: str, experiment: str) -> str:
    """A line a setting: dotted key, value, and as a comment what it comes from; all of it is YAML.

    The keys are those that a change in an experiment's name takes: `ours+terms.depth.weight=0.3`.

    Raises:
        DepthGError: an unknown name or key, or a value out of range.
    """
    origins = config.origins(dataset, experiment)
    values = _flat(config.resolve(dataset, experiment).model_dump())
    lines = {key: f"{key}: {_in_line(value)}" for key, value in values.items()}
    width = max(map(len, lines.values()))
    return "".join(f"{line:<{width}}  # {_origin(key, origins)}\n" for key, line in lines.items())


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat


def _in_line(value: Any) -> str:
    """A value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()


def _origin(key: str, origins: Mapping[str, str]) -> str:
    return origins.get(key, "default")
