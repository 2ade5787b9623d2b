"""Estimate of the time that this machine needs for the remaining stages of an experiment."""

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

from depthg.config import Config
from depthg.config.settings import Settings
from depthg.data.classes import read_classes
from depthg.report.plan import probe
from depthg.report.plan.counts import crf_maps
from depthg.report.plan.disk import PlannedStore, finished_rows, planned_stores, runs_backbone, token_grid

CLASSES = 27  # assumed while they are not known


def hours_of(
    config: Config, dataset: str, experiment: str, images: Mapping[str, int], labelled: bool
) -> float:
    """Estimated hours of all that is left to do for an experiment on so many images by split, labelled or not.

    See `stage_hours`.
    """
    settings = config.resolve(dataset, experiment)
    stores = planned_stores(images, settings, config.resolve(dataset), config)
    folders = Path("resources", dataset), Path("results", dataset, experiment)
    _, maps = crf_maps(settings, images["val"], labelled)
    return sum(stage_hours(stores, maps, settings, config, folders).values())


def stage_hours(
    stores: list[PlannedStore],
    maps: int,
    settings: Settings,
    config: Config,
    folders: tuple[Path, Path],
) -> dict[str, float]:
    """Estimated hours by stage, for the slowest stages and only for unfinished rows and seeds, at the present load.

    Args:
        stores: all stores that the experiment needs.
        maps: number of maps that the CRF refines for each seed.
        settings, config: settings of the experiment, and the whole configuration.
        folders: `resources/{dataset}` and `results/{dataset}/{experiment}`.

    Raises:
        DepthGError: timm has no such backbone.
    """
    resources, results = folders
    left = {store.path: store.rows - finished_rows(store, resources) for store in stores}
    untrained = [seed for seed in settings.seeds if not (results / f"seed{seed}/model.safetensors").is_file()]
    unevaluated = [seed for seed in settings.seeds if not (results / f"seed{seed}/metrics.json").is_file()]
    hours = {}
    with redirect_stdout(io.StringIO()):  # hides messages of stages about the random stores
        for store in stores:
            if not left[store.path]:
                continue
            if seconds := _store_seconds(store, settings, config):
                hours[store.path] = seconds * left[store.path] / 3600
        shape = token_grid(settings.size, settings.backbone, config)
        geometry = [store for store in stores if store.stage == "geometry" and left[store.path]]
        if (settings.steps and untrained) or geometry:
            own = config.named("geometry", settings.geometry)
            step, crop = probe.training_seconds(settings, shape, own)
            hours |= {store.path: crop * left[store.path] / 3600 for store in geometry}
            if settings.steps and untrained:
                hours["training"] = step * settings.batches * len(untrained) / 3600
        if maps and unevaluated:
            classes = settings.clusters or _classes(resources / "classes.csv")
            once = probe.crf_seconds(settings.eval_size, classes)
            hours["CRF, on one core"] = once * maps * len(unevaluated) / 3600
    return hours


def _store_seconds(store: PlannedStore, settings: Settings, config: Config) -> float:
    """Seconds per row of a store; 0 for stages that are not measured."""
    if runs_backbone(store, config):
        side = settings.eval_size if store.path.startswith("val/") else settings.size
        return probe.backbone_seconds(config.named("backbone", store.name), store.name, side)
    if store.stage == "neighbors":
        channels = token_grid(settings.size, settings.backbone, config)[2]
        return probe.search_seconds(store.rows, channels, settings.keep + 1) / store.rows
    return 0.0


def _classes(path: Path) -> int:
    return (len(read_classes(path)) if path.is_file() else 0) or CLASSES
