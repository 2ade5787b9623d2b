"""Commands of the workflow's rules: open artifacts, call the package, write. All that is heavy is imported inside."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from depthg.store.parts import WHOLE, Part

if TYPE_CHECKING:
    from depthg.config import sections as entries
    from depthg.config import settings as slices

Split = Literal["train", "val"]


def in_parts(stage: Callable[..., None]) -> Callable[..., None]:
    """Make `--part 2/3` of a stage's command write one part of its store, and `--part all/3` complete it."""

    @wraps(stage)
    def command(*, out: Path, part: Part = WHOLE, **options: Any) -> None:
        if part.number is not None:
            return stage(out=out, part=part, **options)
        from depthg.store.writer import complete

        complete(out, part.of)

    return command


def index(name: str, dataset: entries.Dataset, out: Path) -> None:
    """Find and check every image and label of a data set → images.csv of both splits, classes.csv."""
    from depthg.data.index import index

    index(name, dataset, out)


@in_parts
def crops(
    images: Path,
    classes: Path,
    split: Split,
    settings: slices.CropSettings,
    out: Path,
    part: Part = WHOLE,
) -> None:
    """Cut images into square crops: five each for training, one for validation."""
    from depthg.stages.crops import make_crops

    make_crops(images, classes, split, out, settings, part)


@in_parts
def depth(
    crops: Path,
    images: Path,
    root: Path,
    split: Split,
    source: entries.DepthSource,
    out: Path,
    part: Part = WHOLE,
) -> None:
    """Predict or read the depth of every crop, in [0, 1], far = 1."""
    from depthg.stages.depth.stage import make_depth

    make_depth(crops, images, root, split, out, source, part)


@in_parts
def features(
    crops: Path, name: str, backbone: entries.Backbone, out: Path, threads: int = 2, part: Part = WHOLE
) -> None:
    """Run the frozen backbone once over all crops and keep its tokens."""
    from depthg.runtime.device import announce
    from depthg.stages.features import make_features

    use(threads)
    announce(f"features of {name}")
    make_features(crops, out, name, backbone, part)


@in_parts
def pooled(
    crops: Path, name: str, backbone: entries.Backbone, out: Path, threads: int = 2, part: Part = WHOLE
) -> None:
    """Run the frozen backbone once over all crops and keep only their mean vectors."""
    from depthg.runtime.device import announce
    from depthg.stages.features import make_pooled

    use(threads)
    announce(f"mean features of {name}")
    make_pooled(crops, out, name, backbone, part)


def scheduled(crops: Path, neighbors: Path, settings: slices.ScheduleSettings, out: Path) -> None:
    """Pick the crops that the trainings of all seeds will draw."""
    from depthg.stages.schedule import make_scheduled

    make_scheduled(crops, neighbors, out, settings)


def axes(features: Path, channels: int, out: Path) -> None:
    """Find the principal axes of a store of features."""
    from depthg.stages.components import find_axes

    find_axes(features, channels, out)


def project(features: Path, axes: Path, out: Path, stored: entries.Stored = "float16") -> None:
    """Write features on their principal axes: a fraction of the channels, nearly the same cosines."""
    from depthg.stages.components import make_projected

    make_projected(features, axes, out, stored)


def neighbors(features: Path, crops: Path, settings: slices.NeighborSettings, out: Path) -> None:
    """Find each crop's nearest crops by the cosine of their mean features."""
    from depthg.stages.neighbors import make_neighbors

    make_neighbors(features, crops, out, settings)


def geometry(depth: Path, features: Path, settings: slices.GeometrySettings, out: Path) -> None:
    """Turn depth into points, their farthest-point order and 3-D neighbours."""
    from depthg.stages.geometry import make_geometry

    make_geometry(depth, features, out, settings)


def attention(
    crops: Path, features: Path, name: str, backbone: entries.Backbone, out: Path, threads: int = 2
) -> None:
    """Find each token's neighbours by the attention of the backbone, for local hidden positives."""
    from depthg.runtime.device import announce
    from depthg.stages.attention import make_attention

    use(threads)
    announce(f"attention of {name}")
    make_attention(crops, features, out, name, backbone)


def views(crops: Path, name: str, backbone: entries.Backbone, out: Path, threads: int = 2) -> None:
    """Run the frozen backbone over a photometric view of all crops and keep its tokens."""
    from depthg.runtime.device import announce
    from depthg.stages.views import make_views

    use(threads)
    announce(f"views by {name}")
    make_views(crops, out, name, backbone)


def train(
    features: Path,
    neighbors: Path,
    settings: slices.TrainSettings,
    seed: int,
    out: Path,
    geometry: Path | None = None,
    attention: Path | None = None,
    view: Path | None = None,
    schedule: Path | None = None,
    clusters: int | None = None,
    labelled: list[Path] | None = None,
    threads: int = 2,
) -> None:
    """Train the segmentation head on cached features; a killed run resumes to the same result."""
    from depthg.training.loop import train
    from depthg.training.selection import LabelledSplit

    use(threads)
    chosen_by = LabelledSplit(*labelled) if labelled else None
    stores = {"geometry": geometry, "attention": attention, "view": view, "schedule": schedule}
    train(features, neighbors, out, settings, seed, clusters, chosen_by, **stores)


def cluster(
    features: Path,
    crops: Path,
    classes: Path,
    model: Path,
    settings: slices.ClusterSettings,
    seed: int,
    out: Path,
    threads: int = 2,
) -> None:
    """Cluster the codes, and fit the linear probe where there are labels."""
    from depthg.evaluation.probes import fit_probes

    use(threads)
    fit_probes(features, crops, classes, model, out, settings, seed)


def evaluate(
    features: Path,
    crops: Path,
    classes: Path,
    model: Path,
    probes: Path,
    settings: slices.EvaluateSettings,
    out: Path,
    threads: int = 2,
) -> None:
    """Segment the validation set, match clusters to classes, score with and without CRF."""
    from depthg.evaluation.evaluate import evaluate

    use(threads)
    evaluate(features, crops, classes, model, probes, out, settings, threads)


def collect(runs: list[Path], header: dict, durations: list[Path], out: Path) -> None:
    """Gather the scores of all seeds into one metrics.json: mean, spread, and where they come from."""
    from depthg.evaluation.collect import collect
    from depthg.runtime.provenance import provenance, read_durations

    collect(runs, out, header | provenance(), read_durations(durations))


def use(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
