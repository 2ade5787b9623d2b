"""What is still to be done of an experiment, and how long this machine would take: an estimate."""

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

from depthg.config import Config
from depthg.config.settings import Settings
from depthg.data.classes import read_classes
from depthg.report.plan import probe
from depthg.report.plan.disk import PlannedStore, finished_rows, token_grid

CLASSES = 27  # of the benchmarks, where the data set's own are not known yet


def stage_hours(
    stores: list[PlannedStore],
    images: Mapping[str, int],
    settings: Settings,
    config: Config,
    folders: tuple[Path, Path],
) -> dict[str, float]:
    """Hours of the stages that take longest, on this machine as it is now, for what is not there yet.

    Args:
        stores: all that the experiment is made by.
        images: of each split.
        settings: of the experiment.
        config: the whole.
        folders: of the data set below `resources`, of the experiment below `results`.

    Raises:
        DepthGError: timm has no such backbone.
    """
    resources, results = folders
    left = {store.path: store.rows - finished_rows(store, resources) for store in stores}
    seeds = [seed for seed in settings.seeds if not (results / f"seed{seed}/model.safetensors").is_file()]
    unread = [seed for seed in settings.seeds if not (results / f"seed{seed}/metrics.json").is_file()]
    hours = {}
    with redirect_stdout(io.StringIO()):  # what the stages tell is of stores made up for the probe
        for store in stores:
            if not left[store.path]:
                continue
            if seconds := _store_seconds(store, settings, config):
                hours[store.path] = seconds * left[store.path] / 3600
        shape = token_grid(settings.size, settings, config)
        geometry = [store for store in stores if store.stage == "geometry" and left[store.path]]
        if (settings.steps and seeds) or geometry:
            own = config.named("geometry", settings.geometry)
            step, crop = probe.training_seconds(settings, shape, own)
            hours |= {store.path: crop * left[store.path] / 3600 for store in geometry}
            if settings.steps and seeds:
                hours["training"] = step * settings.batches * len(seeds) / 3600
        if settings.crf and unread:
            classes = settings.clusters or _classes(resources / "classes.csv")
            once = probe.crf_seconds(settings.eval_size, classes)
            hours["CRF, on one core"] = 2 * once * images["val"] * len(unread) / 3600
    return hours


def _store_seconds(store: PlannedStore, settings: Settings, config: Config) -> float:
    """What a row of a store takes; 0 where it is not probed."""
    spec = config.named("backbone", settings.backbone)
    if store.stage in ("features", "pooled", "attention", "views") and spec.model:
        side = settings.eval_size if store.path.startswith("val/") else settings.size
        return probe.backbone_seconds(spec, settings.backbone, side)
    if store.stage == "neighbors":
        channels = token_grid(settings.size, settings, config)[2]
        return probe.search_seconds(store.rows, channels, settings.keep + 1) / store.rows
    return 0.0


def _classes(path: Path) -> int:
    return len(read_classes(path)) if path.is_file() else CLASSES
