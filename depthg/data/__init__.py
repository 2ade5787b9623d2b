"""Data sets: finding their images and labels, and listing them in images.csv and classes.csv.

`KINDS` names the loader module of each kind of data set, which is imported on demand. A loader module defines
`find(root, dataset) -> depthg.data.records.Listing` and `NEEDS`, the required files or folders: path under `root` →
a description, or the archive to unpack.
"""

from importlib import import_module
from typing import Any

from depthg.errors import unknown

KINDS = {
    "folder": "depthg.data.folder",
    "demo": "depthg.data.demo",
    "cocostuff": "depthg.data.cocostuff",
    "cityscapes": "depthg.data.cityscapes",
    "cityscapes19": "depthg.data.cityscapes19",
    "potsdam": "depthg.data.potsdam",
}


def loader(name: str, kind: str) -> Any:
    """The loader module of a kind; `name` is the name of the data set, for the error.

    Raises:
        DepthGError: there is no such kind; suggests the most similar one.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS, f"config.yaml: datasets.{name}")
    return import_module(KINDS[kind])
