"""Validation of user input: pydantic's errors become one line with the key, the reason and the most similar key."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from depthg.config.reading import parse_json, read_yaml
from depthg.errors import DepthGError, unknown

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], content: Any, where: str) -> M:
    """An instance of `model` from parsed YAML or JSON; `where` names the file or option in errors.

    Raises:
        DepthGError: an unknown key or an invalid value; names the first one.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            owner = _owner(model, first["loc"][:-1])
            place = ".".join([where, *map(str, first["loc"][:-1])])
            raise unknown("key", str(first["loc"][-1]), owner, place) from None
        reason = first["msg"].removeprefix("Value error, ")
        got = f", got {first['input']!r}" if first["loc"] else ""
        raise DepthGError(f"{where}: {key + ': ' if key else ''}{reason}{got}") from None


def _owner(model: Any, path: tuple[int | str, ...]) -> list[str]:
    """The valid keys of the nested model at `path`, the location in a pydantic error."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        annotation = field.annotation if field else model
        inner = getattr(annotation, "__args__", None)
        model = inner[-1] if inner else annotation
    return list(getattr(model, "model_fields", {}))


def parse(model: type[M], text: str, option: str) -> M:
    """The settings of a stage from the command line: JSON text, or the path of a YAML file.

    Args:
        model: what they are.
        text: what was given.
        option: its name, for errors.

    Raises:
        DepthGError: neither JSON nor YAML, an unknown key or an invalid value.
    """
    content = parse_json(text, option) if text.startswith("{") else read_yaml(Path(text))
    return validated(model, content, option)
