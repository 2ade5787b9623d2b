"""The plan of an experiment as text: what `depthg plan` prints."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from depthg.config import Config
from depthg.config.settings import Settings
from depthg.data.records import is_labelled
from depthg.report.plan.counts import (
    count_images,
    crf_maps,
    crops_drawn_at_most,
    crops_probed_at_most,
)
from depthg.report.plan.disk import (
    PlannedStore,
    finished_rows,
    planned_stores,
    progress,
    runs_backbone,
    token_grid,
)
from depthg.report.plan.times import stage_hours
from depthg.runtime.files import size_text
from depthg.store.arrays import row_bytes


def plan_lines(config: Config, dataset: str, experiment: str) -> Iterator[str]:
    """Lines about images, stores and work of an experiment, then an estimate of the time, once measured.

    Raises:
        DepthGError: a name is unknown, or the number of images cannot be determined.
    """
    settings = config.resolve(dataset, experiment)
    own = config.named("dataset", dataset)
    images, how = count_images(dataset, own)
    refined = crf_maps(settings, images["val"], is_labelled(dataset, own))
    stores = planned_stores(images, settings, config.resolve(dataset), config)
    folders = Path("resources", dataset), Path("results", dataset, experiment)
    counts = ", ".join(f"{count:,} {split}" for split, count in images.items())
    yield f"{dataset}/{experiment}: {counts} images ({how})"
    yield from ["", *_stores(stores, folders[0]), "", *_work(stores, refined, settings, config), ""]
    yield from _times(stage_hours(stores, refined[1], settings, config, folders))


def _stores(stores: list[PlannedStore], folder: Path) -> list[str]:
    """Table of the stores, and the disk space."""
    rows = [
        (str(folder / store.path), f"{store.rows:,}", size_text(store.bytes), progress(store, folder))
        for store in stores
    ]
    need = sum(store.bytes for store in stores)
    left = sum((store.rows - finished_rows(store, folder)) * row_bytes(store.arrays) for store in stores)
    rows.append(("all", "", size_text(need), f"{size_text(need - left)} of it"))
    width = max(len(row[0]) for row in rows)
    table = [("store", "crops", "at most", "there"), *rows]
    free = shutil.disk_usage(Path(".")).free
    verdict = "enough" if free > left else "NOT ENOUGH: make room, or link the folder to a larger disk"
    disk = f"disk: {size_text(left)} more needed, {size_text(free)} free here: {verdict}"
    return [
        *(f"{path:<{width}}  {count:>9}  {size:>10}  {there}" for path, count, size, there in table),
        disk,
    ]


def _work(
    stores: list[PlannedStore], refined: tuple[int, int], settings: Settings, config: Config
) -> list[str]:
    """Total amount of computation by kind; `refined`: images that the CRF refines for a seed, and maps of them."""
    by_stage: dict[str, int] = {}
    for store in stores:
        by_stage[store.stage] = by_stage.get(store.stage, 0) + store.rows
    passes = sum(store.rows for store in stores if runs_backbone(store, config))
    network = config.stored_backbones(settings.backbone)[0]
    h, w, channels = token_grid(settings.size, network, config)
    seeds = len(settings.seeds)
    images, maps = refined
    lines = [
        f"backbone: {passes:,} passes of {network}, {h}×{w}×{channels} tokens of a training crop",
        f"depth: {by_stage.get('depth', 0):,} maps of {settings.depth}",
        f"training: {seeds} × {settings.batches:,} batches of {settings.batch} crops and a neighbour of each",
        *_crops_read(stores, settings),
        f"CRF: {maps * seeds:,} maps of {images:,} images",
    ]
    return [line for line in lines if not line.startswith(("depth: 0 ", "CRF: 0 "))]


def _crops_read(stores: list[PlannedStore], settings: Settings) -> list[str]:
    """Number of training crops that training and probes read."""
    crops = next(store.rows for store in stores if store.path == "train/crops.zarr")
    own = f"{settings.training_split}/features/{settings.backbone}.zarr"
    tokens = row_bytes(next(store.arrays for store in stores if store.path == own))
    drawn, probed = crops_drawn_at_most(settings, crops), crops_probed_at_most(settings, crops)
    part, whole = (size_text(count * tokens) for count in (drawn, crops))
    return [
        f"schedule: touches at most {drawn:,} of {crops:,} training crops; their tokens take {part}, those of "
        f"all {whole} (training_crops: {settings.training_crops})",
        f"probes: k-means and the linear probe read at most {probed:,} training crops",
    ]


def _times(hours: Mapping[str, float]) -> list[str]:
    """Table of the estimated hours by stage."""
    if not hours:
        return ["time: nothing that would take long is left to do"]
    width = max(map(len, hours))
    return [
        "time, an estimate from a probe of a few seconds on this machine as it is now; cutting crops, predicting",
        "depth, clustering and reading from the disk are not in it:",
        *(f"  {stage:<{width}}  {duration(value)}" for stage, value in hours.items()),
        f"  {'together':<{width}}  {duration(sum(hours.values()))}",
    ]


def duration(hours: float) -> str:
    """A duration given in hours, as text in a suitable unit."""
    for size, unit in ((24.0, "days"), (1.0, "h"), (1 / 60, "min")):
        if hours >= size:
            return f"{hours / size:.1f} {unit}"
    return f"{hours * 3600:.0f} s"
