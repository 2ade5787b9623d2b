"""`depthg clusters`: look at the clusters of an experiment, give them names and colours, merge them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from depthg.runtime.progress import info

if TYPE_CHECKING:
    from depthg.data.clusters import ClusterEntry

PATCHES, SIDE = 24, 160  # patches on the sheet of a cluster, and their side in pixels


def show(results: Path, /, out: Path | None = None) -> None:
    """Draw a contact sheet for each cluster of an experiment, and an overview: what it looks like, how much there is.

    Patches go from the most typical to the least; of each image the largest region, with the rest dimmed.
    """
    from depthg.report.figures.sheets import describe, draw_sheets
    from depthg.report.folder import ResultFolder
    from depthg.report.gallery import find_gallery

    folder = ResultFolder(results)
    clusters = folder.clusters()
    gallery = find_gallery(folder, clusters, PATCHES, SIDE)
    overview, *_ = draw_sheets(gallery, clusters, out or results / "clusters")
    for look in gallery.looks:
        info("; ".join(describe(look, gallery, clusters)))
    info(f"{overview}: all clusters; beside it a sheet of each")


def name(results: Path, names: list[str] | None = None, /, colours: list[str] | None = None) -> None:
    """Give clusters names and colours: `depthg clusters name results/mine/auto 3=sky 5=road --colours 3=skyblue`.

    An empty name (3=) takes a name back. They are kept in clusters.yaml of the experiment, which may be edited.
    """
    from depthg.report.naming import named

    _change(results, lambda entries: named(entries, names or [], colours or []))


def merge(results: Path, words: list[str], /) -> None:
    """Make clusters part of another one: `depthg clusters merge results/mine/auto 7 9 into 3`.

    Names serve as well as numbers; `7 into 7` takes a merge back. Kept in clusters.yaml of the experiment. Masks, the
    model, its pictures and the report follow; scores do not: they are of the clusters as found.
    """
    from depthg.report.naming import merged

    _change(results, lambda entries: merged(entries, words))


def sweep(
    features: Path,
    neighbors: Path,
    model: Path,
    low: int,
    high: int,
    out: Path,
    schedule: Path | None = None,
    threads: int = 2,
) -> None:
    """Draw how stable clusters are by their number, without labels, and suggest one: a hint, and rather too few.

    The workflow calls it: `snakemake --cores 2 results/mine/auto/stability/2-20.png` tries 2 to 20 clusters.
    """
    from depthg.report.stability import draw_stability

    draw_stability(features, neighbors, schedule, model, (low, high), out, threads)


def _change(results: Path, change: Callable[[list[ClusterEntry]], list[ClusterEntry]]) -> None:
    """Change clusters.yaml, and say what is in it now."""
    from depthg.data.clusters import read_entries, write_entries
    from depthg.report.folder import ResultFolder, cluster_count
    from depthg.report.naming import summary

    folder = ResultFolder(results)
    entries = change(read_entries(folder.names, folder.probes, cluster_count(folder.probes)))
    write_entries(folder.names, folder.probes, entries)
    info(f"{folder.names}: {summary(folder.clusters())}")
