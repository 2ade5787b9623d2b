"""Reading YAML or JSON that a user wrote: what is wrong with it in one line; in YAML no key twice in one place."""

import json
from pathlib import Path
from typing import Any

import yaml

from depthg.errors import DepthGError

# By libyaml, which takes a seventh of the time; PyYAML may have been built without it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The parsed content of a YAML file.

    Raises:
        DepthGError: it is not YAML, or a key is given twice in one place.
        OSError: the file is missing, or may not be read.
    """
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), str(path)) or {}
    except UnicodeDecodeError:
        raise DepthGError(f"{path}: no text in UTF-8: save it as that") from None


def parse_json(text: str, where: str) -> Any:
    """The content of a text in JSON.

    Raises:
        DepthGError: it is not JSON; `where` is its source, for the message.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise DepthGError(f"{where}: not JSON: {error}") from None


def parse_yaml(text: str, where: str) -> Any:
    """The content of a text in YAML; None if it is empty.

    Raises:
        DepthGError: it is not YAML, or a key is given twice in one place; `where` is its source, for the message.
    """
    try:
        loader = LOADER(text)
        tree = loader.get_single_node()
        _check_keys(tree)
        return loader.construct_document(tree) if tree else None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: of a date such as 2000-13-01
        raise DepthGError(f"{where}: not YAML: {' '.join(str(error).split())}") from None


def _check_keys(tree: yaml.Node | None) -> None:
    """Refuse a key that is given twice in one mapping: the first of two would be dropped unseen.

    On the tree as it is written: once a mapping is constructed, the keys that it merges (<<) are among its own.
    """
    waiting, seen = [tree], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # by an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _check_mapping(node)
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _check_mapping(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        if key.value in seen:
            raise yaml.YAMLError(f"line {key.start_mark.line + 1}: '{key.value}' is given twice")
        seen.add(key.value)
