"""Base class and number types of all parts of the configuration."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]


def added(default: Any, description: str) -> Any:
    """A field that is left out of dumps at its default: what was made before it was added keeps its fingerprint."""
    return Field(default, description=description, exclude_if=lambda value: value == default)


class Model(BaseModel):
    """Base class of all parts of the configuration: unknown keys are errors, instances are immutable.

    The validator of a model is built when it is first used: a stage uses one of some twenty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
