"""The files of an experiment that was run, found from its folder results/{dataset}/{experiment}."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from depthg.data.clusters import FILE, Clusters, plain_clusters, read_clusters
from depthg.errors import DepthGError
from depthg.runtime.progress import warn


@dataclass(frozen=True)
class ResultFolder:
    """The folder of an experiment, and where what it was made from lies.

    Args:
        path: results/{dataset}/{experiment}.
    """

    path: Path

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.path.absolute().name

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of its metrics.json.

        Raises:
            DepthGError: there is none, or it cannot be read.
        """
        path = self.path / "metrics.json"
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            raise DepthGError(
                f"{path}: missing or not JSON: give the folder of an experiment that was run, "
                f"as results/demo/auto, or make it with `snakemake --cores 2 {path}`"
            ) from None

    @property
    def seeds(self) -> list[Path]:
        """The folders of its seeds, ascending."""
        return [self.path / f"seed{seed}" for seed in self.metrics["seeds"]]

    @property
    def seed(self) -> Path:
        """The folder of its first seed: the one that is looked at, and whose clusters have names."""
        return self.seeds[0]

    @property
    def probes(self) -> Path:
        """The probes of the first seed."""
        return self.seed / "probes.safetensors"

    @property
    def names(self) -> Path:
        """clusters.yaml, which may be missing."""
        return self.path / FILE

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The content of the first seed's config.yaml: settings, seed, inputs, versions; empty if there is none."""
        path = self.seed / "config.yaml"
        return yaml.safe_load(path.read_text()) if path.is_file() else {}

    def log(self, path: str) -> Path:
        """A log or benchmark file: a path below logs/{dataset}."""
        return self.path.absolute().parents[2] / "logs" / self.metrics["dataset"] / path

    def resource(self, path: str) -> Path:
        """A file or store that experiments share: a path below resources/{dataset}."""
        return self.path.absolute().parents[2] / "resources" / self.metrics["dataset"] / path

    def clusters(self) -> Clusters:
        """Names, colours and merges of the clusters of the first seed.

        Raises:
            DepthGError: there are no probes, or clusters.yaml is of others.
        """
        return read_clusters(self.names, self.probes, cluster_count(self.probes))


def cluster_count(probes: Path) -> int:
    """Number of clusters in a probes.safetensors.

    Raises:
        DepthGError: the file is missing, or holds no probes.
    """
    from depthg.evaluation.probes import load_probes  # takes torch

    return len(load_probes(probes).centroids)


def clusters_for_figures(named: Path, probes: Path) -> Clusters:
    """As `read_clusters`, with a warning for a file that does not fit: a figure may not stop the scores."""
    try:
        return read_clusters(named, probes, cluster_count(probes))
    except DepthGError as error:
        warn(f"{error}; drawn without names")
        return plain_clusters(cluster_count(probes))
