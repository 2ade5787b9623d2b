"""The catalogue of benchmark data sets, workflow/datasets.yaml: provider, licence, archives."""

from pathlib import Path

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from depthg.config.base import Model
from depthg.errors import DepthGError


class Archive(Model):
    """An archive to download, and the members to extract from it."""

    url: str | None = Field(description="URL; none: needs a login on the page of the data set")
    bytes: int | None
    sha256: str | None
    into: str = Field(description="folder to extract to, relative to that of the data set")
    members: list[str] = Field(description="glob patterns for the ends of paths in the archive")


class DataSource(Model):
    """Provider, licence and archives of a kind of data set."""

    page: str = Field(description="URL of the provider's page")
    terms: str = Field(description="the licence, in words")
    files: dict[str, Archive]


def source_of(kind: str, catalogue: Path) -> DataSource:
    """The entry of a kind of data set in the catalogue (workflow/datasets.yaml).

    Raises:
        DepthGError: the file is missing or malformed, or has no such entry.
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
