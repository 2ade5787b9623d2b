"""The resolved settings of an experiment, with the origin of each."""

from collections.abc import Mapping
from typing import Any

import yaml

from depthg.config import Config


def resolved(config: Config, dataset: str, experiment: str) -> str:
    """Settings as YAML, one per line: dotted key, value and, as a comment, the origin.

    The same keys change a setting in an experiment's name: `ours+terms.depth.weight=0.3`.

    Raises:
        DepthGError: a name or key is unknown, or a value is out of range.
    """
    origins = config.origins(dataset, experiment)
    values = _flat(config.resolve(dataset, experiment).model_dump())
    lines = {key: f"{key}: {_in_line(value)}" for key, value in values.items()}
    width = max(map(len, lines.values()))
    return "".join(f"{line:<{width}}  # {_origin(key, origins)}\n" for key, line in lines.items())


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings: values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat


def _in_line(value: Any) -> str:
    """A value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()


def _origin(key: str, origins: Mapping[str, str]) -> str:
    return origins.get(key, "default")
