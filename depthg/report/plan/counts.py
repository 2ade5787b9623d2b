"""Numbers of images and crops that an experiment reads."""

from pathlib import Path

from depthg.config.grid import tokens_along
from depthg.config.sections import Backbone, Dataset
from depthg.config.settings import Settings
from depthg.data import loader
from depthg.data.records import SPLITS, read_images, root_of
from depthg.errors import DepthGError


def count_images(name: str, dataset: Dataset) -> tuple[dict[str, int], str]:
    """Number of images of each split, and its source as text: indexed, expected of the benchmark, or files found.

    Raises:
        DepthGError: the data set is neither indexed nor of known size, and its files are missing.
    """
    tables = {split: Path("resources", name, split, "images.csv") for split in SPLITS}
    if all(table.is_file() for table in tables.values()):
        return {split: len(read_images(table)) for split, table in tables.items()}, "indexed"
    kind = loader(name, dataset.kind)
    if expected := getattr(kind, "COUNTS", None):
        rendered = {"train": dataset.n_train, "val": dataset.n_val}
        return {split: rendered[split] or expected[split] for split in SPLITS}, "expected, not indexed yet"
    listing = kind.find(root_of(name, dataset), dataset)
    return {split: len(files) for split, files in listing.files.items()}, "found, not indexed yet"


def crf_maps(settings: Settings, images: int, labelled: bool) -> tuple[int, int]:
    """Number of validation images, among so many, that the CRF refines for a seed, and number of their maps.

    With labels those are all images, with a map each of the clusters and of the linear probe; without, a map of the
    clusters of each picture.
    """
    if not settings.crf:
        return 0, 0
    refined = images if labelled else min(settings.pictures, images)
    return refined, refined * (2 if labelled and settings.linear_steps else 1)


def check_pool(name: str, dataset: Dataset, settings: Settings, backbone: Backbone) -> None:
    """Check, before any job runs, that the pools of hidden positives are not larger than the data set `name`.

    Skipped if the backbone's stride is unknown; training repeats the check.

    Raises:
        DepthGError: there are fewer training tokens than references in a pool.
    """
    side = tokens_along(settings.size, backbone)
    if side is None:
        return
    from depthg.stages.crops import crop_layout  # slow to import, and every plan of Snakemake comes by here

    images, how = count_images(name, dataset)
    crops = images["train"] * crop_layout("train", settings)[0]
    tokens = crops * side**2
    if settings.hidden_positives.pool > tokens:
        raise DepthGError(
            f"settings: hidden_positives: pool: {settings.hidden_positives.pool} references, but the {crops} training "
            f"crops of {name} ({how}) have {tokens} tokens: set pool to at most that"
        )


def crops_drawn_at_most(settings: Settings, crops: int) -> int:
    """Upper bound of the number of training crops that the trainings of all seeds draw.

    A batch consists of anchors, one neighbour per anchor and, if depth is paired across crops, one sibling per anchor
    (with scheduled crops, even if the experiment itself reads no depth). Hidden positives also draw their references.
    """
    if not settings.steps:
        return 0
    paired = settings.depth_loss != "none" or settings.training_crops == "scheduled"
    sibling = paired and settings.depth_pairs == "sibling"
    drawn = settings.batches * settings.batch * (3 if sibling else 2)
    if settings.objective == "hidden_positives":
        pools = settings.hidden_positives
        drawn += pools.pool * (2 + settings.batches // pools.renew)
    return min(crops, drawn * len(settings.seeds))


def crops_probed_at_most(settings: Settings, crops: int) -> int:
    """Upper bound of the number of training crops that k-means and the linear probes of all seeds read."""
    from depthg.evaluation.clustering import TOKENS_A_CROP  # loads torch, which the workflow does without

    sampled = -(-settings.cluster_samples // TOKENS_A_CROP)
    return min(crops, (sampled + settings.linear_steps * settings.linear_batch) * len(settings.seeds))
