"""Descriptions of the configuration: every field has one, and the names of code in them exist."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from depthg.config import Config
from depthg.config.settings import ScheduleSettings, Settings

NAME = re.compile(r"\bdepthg(?:\.\w+)+\.[A-Z_]+\b")


def _fields(content: Any, path: str = "") -> Iterator[tuple[str, dict]]:
    """Every field in a JSON schema, under the title of its model."""
    if isinstance(content, dict):
        for name, field in content.get("properties", {}).items():
            yield f"{content.get('title', path)}.{name}", field
        for value in content.values():
            yield from _fields(value, path)


FIELDS = {
    name: field
    for model in (Config, Settings, ScheduleSettings)
    for name, field in _fields(model.model_json_schema())
}
NAMES = sorted({name for field in FIELDS.values() for name in NAME.findall(field.get("description", ""))})


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_described(name):
    assert FIELDS[name].get("description")


@pytest.mark.parametrize("name", NAMES)
def test_names_in_descriptions_exist(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute)


def test_descriptions_name_the_tables_of_alternatives():
    assert "depthg.training.objective.OBJECTIVES" in NAMES and len(NAMES) >= 14
