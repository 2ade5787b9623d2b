"""How many images, crops and steps an experiment has to do with."""

from pathlib import Path

from depthg.config.sections import Dataset
from depthg.config.settings import Settings
from depthg.data import loader
from depthg.data.records import SPLITS, read_images, root_of
from depthg.errors import DepthGError
from depthg.stages.crops import crop_layout


def count_images(name: str, dataset: Dataset) -> tuple[dict[str, int], str]:
    """Images of each split, and how they are known: indexed, expected of the data set, or found in its folder.

    Raises:
        DepthGError: not indexed, of unknown size, and its files are not where they should be.
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


def check_pool(name: str, dataset: Dataset, settings: Settings, stride: int | None) -> None:
    """Refuse pools of hidden positives that are larger than the data, before anything runs.

    Args:
        name: of the data set.
        dataset: whose training images are counted.
        settings: of the experiment.
        stride: pixels a token; none: not known before the training, which looks again.

    Raises:
        DepthGError: there are fewer tokens than references.
    """
    if stride is None:
        return
    images, how = count_images(name, dataset)
    crops = images["train"] * crop_layout("train", settings)[0]
    tokens = crops * (settings.size // stride) ** 2
    if settings.hidden_positives.pool > tokens:
        raise DepthGError(
            f"settings: hidden_positives: pool: {settings.hidden_positives.pool} references, but the {crops} training "
            f"crops of {name} ({how}) have {tokens} tokens: set pool to at most that"
        )


def crops_drawn_at_most(settings: Settings, crops: int) -> int:
    """The training crops whose tokens the schedules of all seeds can touch, at most.

    A batch has its anchors and a neighbour of each, where depth is paired across crops a sibling of each, too (of
    scheduled crops, whether or not an experiment reads its depth); hidden positives draw their pools from anywhere.
    """
    if not settings.steps:
        return 0
    paired = settings.depth_loss != "none" or settings.training_crops == "scheduled"
    sibling = paired and settings.depth_pairs == "sibling"
    touched = settings.batches * settings.batch * (3 if sibling else 2)
    if settings.objective == "hidden_positives":
        pools = settings.hidden_positives
        touched += pools.pool * (2 + settings.batches // pools.renew)
    return min(crops, touched * len(settings.seeds))


def crops_probed_at_most(settings: Settings, crops: int) -> int:
    """The training crops that k-means and the linear probes of all seeds can read besides, at most."""
    from depthg.evaluation.clustering import TOKENS_A_CROP  # torch and faiss: the workflow plans without

    sampled = -(-settings.cluster_samples // TOKENS_A_CROP)
    return min(crops, (sampled + settings.linear_steps * settings.linear_batch) * len(settings.seeds))
