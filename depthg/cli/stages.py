"""The commands that rules of the workflow call, one per stage. Heavy modules are imported inside the functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from depthg.errors import DepthGError
from depthg.store.parts import WHOLE, Part

if TYPE_CHECKING:
    from depthg.config.sections import Backbone, Dataset, DepthSource, Stored
    from depthg.config.settings import (
        ClusterSettings,
        CropSettings,
        EvaluateSettings,
        GeometrySettings,
        NeighborSettings,
        ScheduleSettings,
        TrainSettings,
    )

Split = Literal["train", "val"]


def in_parts(stage: Callable[..., None]) -> Callable[..., None]:
    """Add `--part` to a stage: `2/3` writes one part of its store, `all/3` marks the store complete."""

    @wraps(stage)
    def command(*, out: Path, part: Part = WHOLE, **options: Any) -> None:
        if part.number is not None:
            return stage(out=out, part=part, **options)
        from depthg.store.completion import complete

        complete(out, part.of)

    return command


def index(name: str, dataset: Dataset, out: Path) -> None:
    """List and check the images and labels of a data set; write images.csv of both splits and classes.csv."""
    from depthg.data.index import index

    index(name, dataset, out)


@in_parts
def crops(
    images: Path, classes: Path, split: Split, settings: CropSettings, out: Path, part: Part = WHOLE
) -> None:
    """Cut images into square crops: five per training image, one per validation image."""
    from depthg.stages.crops import make_crops

    make_crops(images, classes, split, out, settings, part)


@in_parts
def depth(
    crops: Path, images: Path, root: Path, split: Split, source: DepthSource, out: Path, part: Part = WHOLE
) -> None:
    """Predict or read a depth map for every crop, in [0, 1] with far = 1."""
    from depthg.stages.depth.stage import make_depth

    make_depth(crops, images, root, split, out, source, part)


@in_parts
def features(
    crops: Path, name: str, backbone: Backbone, out: Path, threads: int = 2, part: Part = WHOLE
) -> None:
    """Compute the tokens and mean features of all crops with the frozen backbone."""
    from depthg.runtime.device import announce
    from depthg.stages.features import make_features

    set_threads(threads)
    announce(f"features of {name}")
    make_features(crops, out, name, backbone, part)


@in_parts
def mirrored(
    crops: Path, name: str, backbone: Backbone, out: Path, threads: int = 2, part: Part = WHOLE
) -> None:
    """Compute the features of the mirror images of all crops, mirrored back, with the frozen backbone."""
    from depthg.runtime.device import announce
    from depthg.stages.mirrored import make_mirrored

    set_threads(threads)
    announce(f"mirrored features of {name}")
    make_mirrored(crops, out, name, backbone, part)


@in_parts
def pooled(
    crops: Path, name: str, backbone: Backbone, out: Path, threads: int = 2, part: Part = WHOLE
) -> None:
    """Compute only the mean features of all crops with the frozen backbone."""
    from depthg.runtime.device import announce
    from depthg.stages.features import make_pooled

    set_threads(threads)
    announce(f"mean features of {name}")
    make_pooled(crops, out, name, backbone, part)


def scheduled(crops: Path, neighbors: Path, settings: ScheduleSettings, out: Path) -> None:
    """Copy the crops that the trainings of all seeds will draw."""
    from depthg.stages.schedule import make_scheduled

    make_scheduled(crops, neighbors, out, settings)


def axes(features: Path, channels: int, out: Path) -> None:
    """Compute the principal axes of stored features."""
    from depthg.stages.components import find_axes

    find_axes(features, channels, out)


def project(features: Path, axes: Path, out: Path, stored: Stored = "float16") -> None:
    """Project features on their principal axes, to store fewer channels."""
    from depthg.stages.components import make_projected

    make_projected(features, axes, out, stored)


def mean(features: Path, out: Path, threads: int = 2) -> None:
    """Compute the mean of the tokens, which models with `tokens: centred` take off."""
    from depthg.stages.mean import make_mean

    set_threads(threads)
    make_mean(features, out)


def neighbors(features: Path, crops: Path, settings: NeighborSettings, out: Path) -> None:
    """Find the nearest crops of each crop by the cosine similarity of mean features."""
    from depthg.stages.neighbors import make_neighbors

    make_neighbors(features, crops, out, settings)


def geometry(depth: Path, features: Path, settings: GeometrySettings, out: Path) -> None:
    """Unproject depth to 3D points; compute their farthest-point order and nearest neighbours."""
    from depthg.stages.geometry import make_geometry

    make_geometry(depth, features, out, settings)


def attention(
    crops: Path,
    features: Path,
    name: str,
    backbone: Backbone,
    out: Path,
    mixing: Literal["neighbors", "released"] = "neighbors",
    threads: int = 2,
) -> None:
    """Compute the attention of each token to its 3×3 neighbourhood or, as released, to all tokens of the crop."""
    from depthg.runtime.device import announce
    from depthg.stages.attention import make_attention

    set_threads(threads)
    announce(f"attention of {name}")
    make_attention(crops, features, out, name, backbone, mixing)


def views(crops: Path, name: str, backbone: Backbone, out: Path, threads: int = 2) -> None:
    """Compute the tokens of a photometric view of all crops with the frozen backbone."""
    from depthg.runtime.device import announce
    from depthg.stages.views import make_views

    set_threads(threads)
    announce(f"views by {name}")
    make_views(crops, out, name, backbone)


def train(
    features: Path,
    neighbors: Path,
    settings: TrainSettings,
    seed: int,
    out: Path,
    geometry: Path | None = None,
    attention: Path | None = None,
    view: Path | None = None,
    mean: Path | None = None,
    schedule: Path | None = None,
    clusters: int | None = None,
    labelled: list[Path] | None = None,
    threads: int = 2,
) -> None:
    """Train the segmentation head on cached features; an interrupted run resumes with the same result."""
    from depthg.training.criteria import LabelledSplit
    from depthg.training.loop import train

    set_threads(threads)
    chosen_by = LabelledSplit(*labelled) if labelled else None
    stores = {"geometry": geometry, "attention": attention, "view": view, "mean": mean, "schedule": schedule}
    train(features, neighbors, out, settings, seed, clusters, chosen_by, **stores)


def cluster(
    features: Path,
    crops: Path,
    classes: Path,
    model: Path,
    settings: ClusterSettings,
    seed: int,
    out: Path,
    threads: int = 2,
) -> None:
    """Fit the cluster probe and, given labels, the linear probe to the codes."""
    from depthg.evaluation.probes import fit_probes

    set_threads(threads)
    fit_probes(features, crops, classes, model, out, settings, seed)


def evaluate(
    features: Path,
    crops: Path,
    classes: Path,
    model: Path,
    probes: Path,
    settings: EvaluateSettings,
    out: Path,
    training: list[Path] | None = None,
    mirrored: Path | None = None,
    threads: int = 2,
) -> None:
    """Segment the validation set, match clusters to classes, and compute scores with and without CRF."""
    from depthg.evaluation.evaluate import evaluate
    from depthg.evaluation.training import TrainingSplit

    set_threads(threads)
    matched_by = TrainingSplit(*training) if training else None
    evaluate(features, crops, classes, model, probes, out, settings, threads, matched_by, mirrored)


def collect(runs: list[Path], header: dict, durations: list[Path], out: Path) -> None:
    """Write the metrics.json of an experiment: mean and standard deviation over seeds, with provenance."""
    from depthg.evaluation.collect import collect
    from depthg.runtime.provenance import provenance, read_durations

    collect(runs, out, header | provenance(), read_durations(durations))


def set_threads(threads: int) -> None:
    """Limit the CPU threads of torch.

    Raises:
        DepthGError: there would be none.
    """
    import torch

    if threads < 1:
        raise DepthGError(f"--threads {threads}: must be at least 1")
    torch.set_num_threads(threads)
