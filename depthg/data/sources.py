"""Where data sets come from: the files of workflow/datasets.yaml."""

from pathlib import Path

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from depthg.config.base import Model
from depthg.errors import DepthGError


class Archive(Model):
    """A file to get, and what is taken from it."""

    url: str | None = Field(description="address; none: behind a login, on the page of its data set")
    bytes: int | None
    sha256: str | None
    into: str = Field(description="folder below the data set's")
    members: list[str] = Field(description="patterns of the ends of paths in the archive")


class DataSource(Model):
    """Where one data set comes from."""

    page: str = Field(description="the provider's page")
    terms: str = Field(description="its licence, in words")
    files: dict[str, Archive]


def source_of(kind: str, catalogue: Path) -> DataSource:
    """What the catalogue (workflow/datasets.yaml) says of a kind of data set.

    Raises:
        DepthGError: the file is missing or malformed, or says nothing of it.
    """
    try:
        sources = TypeAdapter(dict[str, DataSource]).validate_python(yaml.safe_load(catalogue.read_text()))
    except OSError as error:
        raise DepthGError(f"{catalogue}: {error.strerror}: run this in the folder of config.yaml") from None
    except (yaml.YAMLError, ValidationError) as error:
        raise DepthGError(f"{catalogue}: {' '.join(str(error).split())}: correct it") from None
    if kind not in sources:
        raise DepthGError(
            f"{catalogue}: nothing is known of the files of kind '{kind}', only of {', '.join(sources)}: "
            "put yours in place by hand"
        )
    return sources[kind]
