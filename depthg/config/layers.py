"""Layers of settings: each is a nested mapping, written at one place in config.yaml or in an experiment's name."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

from depthg.config.reading import parse_yaml
from depthg.config.settings import SHARED, Settings
from depthg.errors import DepthGError, unknown

Layer = tuple[str, Mapping[str, Any]]  # where it was written, and its settings


def check_keys(where: str, layer: Mapping[str, Any]) -> None:
    """Check that the keys of a layer exist and, in an experiment, that they affect no shared artifact.

    Raises:
        DepthGError: a key is unknown, or belongs to the data set.
    """
    for key in layer:
        if key not in Settings.model_fields:
            raise unknown("setting", key, Settings.model_fields, f"config.yaml: {where}")
        own = "experiments: " in where or where.startswith("the name")
        if own and any(key in part.model_fields for part in SHARED):
            raise DepthGError(
                f"config.yaml: {where}: '{key}' shapes artifacts that all experiments share: "
                "set it under datasets: <name>: settings"
            )


def override(text: str) -> dict[str, Any]:
    """The layer of an override in an experiment's name, such as `terms.depth.weight=0.3`."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise DepthGError(f"experiment: '{text}' is no change: write +key=value")
    content = parse_yaml(value, f"experiment: '{text}'")
    for part in reversed(key.split(".")):
        content = {part: content}
    return content


def overrides(changes: Sequence[str], name: str) -> list[Layer]:
    """The layers of the overrides in an experiment's name.

    Raises:
        DepthGError: one is not `key=value`, or two are of one key, of which one would silently win.
    """
    layers: list[Layer] = [(f"the name {name}", override(change)) for change in changes]
    keys = [key for _, layer in layers for key in flatten(layer)]
    for key, other in permutations(keys, 2):
        if f"{key}.".startswith(f"{other}."):
            raise DepthGError(f"experiment: '{name}' changes {key} twice: leave out one of the two")
    return layers


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A recursive merge of two mappings; values in `above` override those in `below`."""
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if nested else value
    return merged


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of a nested mapping by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
