"""What a user says about the clusters of a trained probe: names, colours, and which are one thing. clusters.yaml:

    probe: 0b2c…   # SHA-256 of the probes.safetensors whose clusters these are
    clusters:      # one entry a cluster, in order; every key may be left out
    - {name: sky, colour: '#87ceeb'}
    - {}
    - {as: 0}      # the same as cluster 0: takes its name and colour, too

The file belongs to one probe: trained anew, cluster 3 is another thing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import ImageColor
from pydantic import Field, NonNegativeInt, field_validator

from depthg.config.base import Model
from depthg.config.validation import validated
from depthg.data.classes import Color, spread_color
from depthg.errors import DepthGError
from depthg.runtime.files import file_hash, replacing

FILE = "clusters.yaml"  # in the folder of an experiment


class ClusterEntry(Model):
    """What is said of one cluster; nothing has to be."""

    name: str | None = Field(None, description="name; none: cluster and its number")
    colour: str | None = Field(None, description="colour, #rrggbb or [r, g, b]; none: one of its own")
    as_: NonNegativeInt | None = Field(None, alias="as", description="number of the cluster it is part of")

    @field_validator("name", mode="after")
    @classmethod
    def _one_line(cls, name: str | None) -> str | None:
        if name is not None and (not name.strip() or len(name.splitlines()) > 1):
            raise ValueError("a name is one line of text")
        return name and name.strip()

    @field_validator("colour", mode="before")
    @classmethod
    def _hexadecimal(cls, colour: object) -> object:
        return hexadecimal(colour) if colour is not None else None


class ClustersFile(Model):
    """The content of clusters.yaml."""

    probe: str = Field(description="SHA-256 of the probes.safetensors that the clusters belong to")
    clusters: list[ClusterEntry] = Field([], description="one entry a cluster")


@dataclass(frozen=True)
class Clusters:
    """Names, colours and merges of K clusters; a merged cluster has the name and the colour of the one it is part of.

    Attributes:
        names: K names.
        colors: K RGB colours, 0 to 255.
        target: for each cluster the number of the one it is part of, or its own.
    """

    names: tuple[str, ...]
    colors: tuple[Color, ...]
    target: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def palette(self) -> np.ndarray:
        """RGB colours uint8 [K, 3]."""
        return np.array(self.colors, np.uint8).reshape(-1, 3)

    @property
    def merged(self) -> np.ndarray:
        """Cluster → the cluster it is part of, int64 [K]; `clusters.merged[ids]` merges a map of cluster ids."""
        return np.array(self.target, np.int64)

    @property
    def kept(self) -> list[int]:
        """Numbers of the clusters that are part of no other, ascending."""
        return sorted(set(self.target))


def plain_clusters(count: int) -> Clusters:
    """`count` clusters of which nothing is said: `cluster 0`, …, each with a colour unlike its neighbours'."""
    return make_clusters([ClusterEntry()] * count, "")


def make_clusters(entries: Sequence[ClusterEntry], where: str) -> Clusters:
    """Resolve the entries of K clusters: names and colours of their own where none is given, chains of merges.

    Raises:
        DepthGError: a cluster is merged into one that there is not, or in a circle; `where` is named in the message.
    """
    target = tuple(_target(entries, number, where) for number in range(len(entries)))
    names = tuple(entries[to].name or f"cluster {to}" for to in target)
    return Clusters(names, tuple(_color(entries[to].colour, to) for to in target), target)


def _target(entries: Sequence[ClusterEntry], number: int, where: str) -> int:
    """The end of the chain of merges that begins at a cluster."""
    chain = [number]
    while (to := entries[chain[-1]].as_) is not None:
        check_number(to, len(entries), where)
        if to in chain:
            circle = " into ".join(map(str, [*chain[chain.index(to) :], to]))
            raise DepthGError(f"{where}: clusters merged in a circle, {circle}: leave one of them as it is")
        chain.append(to)
    return chain[-1]


def check_number(number: int, count: int, where: str) -> None:
    """Check that there is a cluster of a number.

    Raises:
        DepthGError: there is none; `where` is named in the message.
    """
    if not 0 <= number < count:
        raise DepthGError(f"{where}: there is no cluster {number}: they are numbered 0 to {count - 1}")


def _color(colour: str | None, number: int) -> Color:
    if colour is None:
        return spread_color(number, 0, (0.75, 0.5)[number % 2], (0.9, 0.75, 0.55)[number % 3])
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def hexadecimal(colour: object) -> str:
    """A colour as `#rrggbb`, given so, as the name of a colour of CSS, or as [r, g, b] of 0 to 255.

    Raises:
        ValueError: it is none of these.

    Example:
        >>> hexadecimal("skyblue"), hexadecimal([255, 0, 128])
        ('#87ceeb', '#ff0080')
    """
    try:
        if isinstance(colour, str):
            red, green, blue = ImageColor.getrgb(colour)[:3]
        else:
            red, green, blue = colour  # type: ignore[misc]  # what is no triple raises, too
        return "#" + bytes([red, green, blue]).hex()
    except (TypeError, ValueError):
        raise ValueError("a colour is '#rrggbb' (in quotes), a name such as green, or [r, g, b]") from None


def read_clusters(path: Path, probes: Path, count: int) -> Clusters:
    """The clusters of a probe, with what clusters.yaml says of them; plain ones if there is no such file.

    Args:
        path: clusters.yaml, which may be missing.
        probes: the probes.safetensors whose clusters are meant.
        count: their number.

    Raises:
        DepthGError: the file is of another probe or number of clusters, cannot be read, or merges in a circle.
    """
    return make_clusters(read_entries(path, probes, count), str(path))


def read_entries(path: Path, probes: Path, count: int) -> list[ClusterEntry]:
    """The entries of clusters.yaml as written, or `count` empty ones if there is no such file. See `read_clusters`."""
    if not path.is_file():
        return [ClusterEntry()] * count
    found = _read(path)
    if found.probe != file_hash(probes):
        raise DepthGError(
            f"{path}: names the clusters of another probe than {probes}, in which a number means another thing: "
            "look at them anew (`depthg clusters show`), then move this file away and name them"
        )
    if len(found.clusters) > count:
        raise DepthGError(f"{path}: has {len(found.clusters)} entries, and there are {count} clusters")
    return [*found.clusters, *[ClusterEntry()] * (count - len(found.clusters))]


def names_another(path: Path, probes: Path) -> bool:
    """Whether there is a clusters.yaml, and it is of another probe.

    Raises:
        DepthGError: it cannot be read.
    """
    return path.is_file() and _read(path).probe != file_hash(probes)


def _read(path: Path) -> ClustersFile:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise DepthGError(f"{path}: cannot be read: {reason}: correct it, or delete it") from None
    return validated(ClustersFile, {} if content is None else content, str(path))


def write_entries(path: Path, probes: Path, entries: Sequence[ClusterEntry]) -> None:
    """Write clusters.yaml for a probe, atomically.

    Raises:
        DepthGError: the entries merge in a circle, or into a cluster that there is not.
    """
    make_clusters(entries, str(path))
    said = [entry.model_dump(by_alias=True, exclude_none=True) for entry in entries]
    lines = [f"probe: {file_hash(probes)}", "clusters:", *(f"- {_flow(one)}" for one in said)]
    with replacing(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _flow(content: Mapping[str, object]) -> str:
    """A mapping as one line of YAML."""
    return yaml.safe_dump(
        dict(content), default_flow_style=True, allow_unicode=True, sort_keys=False, width=2**31
    ).strip()
