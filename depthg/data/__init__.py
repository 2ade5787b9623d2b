"""Data sets: where their images and labels lie, written down as images.csv and classes.csv.

`KINDS` names the module of every kind of data set, imported only when a data set of its kind is asked for. It has
`find(root, dataset) -> depthg.data.records.Listing`, and `NEEDS`: what must lie under `root`, path → what it
is or the archive it is unpacked from.
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
    """The module of a kind; `name` is the data set's.

    Raises:
        DepthGError: there is no such kind; suggests the nearest.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS, f"config.yaml: datasets.{name}")
    return import_module(KINDS[kind])
