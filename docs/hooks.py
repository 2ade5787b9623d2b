"""Fills the pages that are generated: configuration keys, commands and the public API, from the code as it is."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from pydantic import BaseModel

import depthg
from depthg.cli import COMMANDS
from depthg.cli.options import OPTIONS
from depthg.config import Config
from depthg.config.sections import Backbone, Dataset, DepthSource, Row, Table
from depthg.config.settings import (
    ClusterSettings,
    CropSettings,
    EvaluateSettings,
    GeometrySettings,
    NeighborSettings,
    PoolSettings,
    ScopeSettings,
    Settings,
    Term,
    TrainSettings,
)

README = Path(__file__).parents[1] / "README.md"

SECTIONS: dict[str, type[BaseModel]] = {
    "The file": Config,
    "An entry of `datasets`": Dataset,
    "An entry of `backbones`": Backbone,
    "An entry of `depth_sources`": DepthSource,
    "An entry of `geometries`": GeometrySettings,
    "An entry of `tables`": Table,
    "A row of a table": Row,
}
# Settings of experiments and data sets, by the stage that reads them; what none of these has comes first.
STAGES: dict[str, type[BaseModel]] = {
    "Crops": CropSettings,
    "Scheduled crops": ScopeSettings,
    "Neighbours": NeighborSettings,
    "Training": TrainSettings,
    "Clusters and linear probe": ClusterSettings,
    "Evaluation": EvaluateSettings,
    "A term of `terms`": Term,
    "Global hidden positives, `hidden_positives`": PoolSettings,
}


def configuration() -> Iterator[str]:
    """Every key of config.yaml, a table for each section."""
    for title, model in SECTIONS.items():
        yield from [f"## {title}", inspect.getdoc(model) or "", "", *_fields(model, model.model_fields), ""]
    yield from ["## Settings", "Of a preset, a data set, an experiment, or of all (`settings`).", ""]
    shared = {name for model in STAGES.values() for name in model.model_fields}
    own = [name for name in Settings.model_fields if name not in shared]
    yield from ["### What an experiment is made from", "", *_fields(Settings, own), ""]
    for title, model in STAGES.items():
        yield from [f"### {title}", inspect.getdoc(model) or "", "", *_fields(model, model.model_fields), ""]


def _fields(model: type[BaseModel], names: Any) -> list[str]:
    """The rows of a table of fields."""
    schema = model.model_json_schema()
    rows = [
        f"| `{name}` | {_kind(schema['properties'][name], schema)} | {_default(model.model_fields[name])} | "
        f"{_escaped(model.model_fields[name].description or '')} |"
        for name in names
    ]
    return ["| key | values | default | what it is |", "|---|---|---|---|", *rows]


def _escaped(text: str) -> str:
    """Text in which `<name>` is not taken for HTML."""
    return text.replace("<", "&lt;").replace("|", "\\|")


def _kind(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """The values of a field in words, from its JSON schema."""
    if "anyOf" in field:
        return " or ".join(_kind(part, schema) for part in field["anyOf"]).replace("null", "none")
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2]
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}), schema)}"
    words = {"object": "mapping", "number": "number", "integer": "integer", "boolean": "true, false"}
    return " ".join([words.get(field.get("type", ""), field.get("type", "any")), *bounds])


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or (isinstance(value, dict) and value):
        return "see below"
    text = "none" if value is None else json.dumps(value, default=str)
    return f"`{text}`"


def commands() -> Iterator[str]:
    """Every command with its options."""
    for name, command in COMMANDS.items():
        yield from [f"## depthg {name}", inspect.getdoc(command) or "", ""]
        for parameter in inspect.signature(command).parameters.values():
            by_place = parameter.kind is parameter.POSITIONAL_ONLY
            flag = parameter.name.upper() if by_place else f"--{parameter.name.replace('_', '-')}"
            needed = "" if parameter.default is not parameter.empty else ", required"
            yield f"- `{flag}`{needed}: {OPTIONS[parameter.name]}"
        yield ""


def api() -> Iterator[str]:
    """Every public name with its signature and docstring."""
    for name in sorted(depthg.__all__, key=str.lower):
        found = getattr(depthg, name)
        yield f"## {name}"
        if not callable(found):
            entries = [*found] if isinstance(found, dict) else []
            yield from [f"A table of choices by name: {', '.join(f'`{entry}`' for entry in entries)}.", ""]
            continue
        yield from ["", "```python", _signature(name, found), "```", "", *_docstring(found), ""]
        if inspect.isclass(found) and not issubclass(found, BaseModel):
            yield from _methods(found)


def _methods(found: type) -> Iterator[str]:
    for name, member in vars(found).items():
        if inspect.isfunction(member) and not name.startswith("_") and inspect.getdoc(member):
            title = f"{found.__name__}.{name}"
            yield from [f"### {title}", "", "```python", _signature(title, member), "```", ""]
            yield from [*_docstring(member), ""]


def _signature(name: str, found: Any) -> str:
    if inspect.isclass(found) and issubclass(found, BaseModel):
        return f"class {name}(…)  # every key: see Configuration"
    try:
        text = str(inspect.signature(found))
    except ValueError:
        text = "(…)"
    text = re.sub(r"<class '([\w.]+)'>", r"\1", text).replace("'", "")
    return (
        f"{'class ' if inspect.isclass(found) else ''}{name}{re.sub(r'(?:[a-z_]+[.])+(?=[A-Z])', '', text)}"
    )


def _docstring(found: Any) -> list[str]:
    """A Google docstring as Markdown: sections in bold, their entries as lists, examples as code."""
    lines, section = [], ""
    for line in (inspect.getdoc(found) or "").splitlines():
        if match := re.fullmatch(r"(Args|Returns|Raises|Attributes|Example):", line):
            section = match[1]
            lines += ["", f"**{section}**", *(["", "```python"] if section == "Example" else [""])]
        elif section == "Example":
            lines.append(line.removeprefix("    "))
        elif section not in ("", "Returns") and (entry := re.match(r"    (\S[^:]*): (.*)", line)):
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(line.strip() if section else line)
    return [*lines, *(["```"] if section == "Example" else [])]


def start() -> Iterator[str]:
    """README.md as far as it is an introduction, its links as seen from here."""
    text = README.read_text().split("\n## How it works")[0].replace("](docs/", "](")
    yield re.sub(r"\[docs/([\w-]+)\.md\]", lambda link: f"[{link[1].replace('-', ' ')}]", text)


GENERATED: dict[str, Callable[[], Iterator[str]]] = {
    "index.md": start,
    "configuration.md": configuration,
    "commands.md": commands,
    "api.md": api,
}


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Add what is generated to the end of its page."""
    make = GENERATED.get(page.file.src_uri)
    return "\n".join([markdown, "", *make()]) if make else markdown
