"""Reading and writing CSV files of dataclass records: images.csv and classes.csv."""

import csv
from collections.abc import Iterable
from dataclasses import MISSING, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, get_type_hints

from depthg.errors import DepthGError
from depthg.runtime.files import replacing


def write_records(path: Path, kind: type[Any], records: Iterable[Any]) -> None:
    """Write records of the dataclass `kind` as CSV, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in fields(kind)]
    with replacing(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(names)
        table.writerows(map(attrgetter(*names), records))


def read_records(path: Path, kind: type[Any]) -> list[Any]:
    """Read records of the dataclass `kind` from CSV; columns and cells of fields with a default are optional.

    Raises:
        DepthGError: the file is missing, lacks a column, or holds a value of another type.
    """
    types = get_type_hints(kind)
    defaults = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    try:
        with Path(path).open(newline="", encoding="utf-8") as stream:
            table = csv.DictReader(stream)
            if not set(types) - set(defaults) <= set(table.fieldnames or []):
                raise KeyError("a column is missing")  # also where there is no row
            # A row that ends early has None in its last columns.
            rows = (
                defaults | {name: cell for name, cell in row.items() if cell is not None} for row in table
            )
            return [kind(**{name: read(row[name]) for name, read in types.items()}) for row in rows]
    except OSError as error:
        raise DepthGError(f"{path}: {error.strerror}: index the data set first") from None
    except (KeyError, TypeError, ValueError):
        needed = [name for name in types if name not in defaults]
        raise DepthGError(
            f"{path}: needs the columns {', '.join(needed)}: index the data set again with "
            f"`snakemake --cores 2 --force {path}`"
        ) from None
