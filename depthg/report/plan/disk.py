"""The stores of an experiment: their size on disk, and how many rows of them are finished."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from depthg.config import Config
from depthg.config.settings import NeighborSettings, Settings
from depthg.models.backbones import token_shape
from depthg.report.plan.counts import crops_drawn_at_most
from depthg.stages.attention import attention_arrays
from depthg.stages.crops import crop_arrays, crop_layout
from depthg.stages.depth.stage import depth_arrays
from depthg.stages.features import feature_arrays, pooled_array
from depthg.stages.geometry import geometry_arrays
from depthg.stages.mean import mean_array
from depthg.stages.neighbors import neighbor_arrays
from depthg.store.arrays import MARKER, Array, row_bytes
from depthg.store.resume import finished_ranges, unfinished_ranges
from depthg.store.tokens import token_arrays

# Stages that run the backbone once a row.
OF_BACKBONE = ("features", "mirrored", "pooled", "attention", "views")


@dataclass(frozen=True)
class PlannedStore:
    """A store that a stage writes.

    Attributes:
        stage: name of the stage.
        path: path below `resources/{dataset}`.
        rows: number of rows.
        arrays: arrays by name.
    """

    stage: str
    path: str
    rows: int
    arrays: dict[str, Array]

    @property
    def name(self) -> str:
        """What of config.yaml the store is named after: for a stage that runs a backbone, the backbone."""
        return Path(self.path).stem

    @property
    def is_upper_bound(self) -> bool:
        """Whether `rows` is an upper bound: a schedule may draw crops repeatedly, so it has fewer distinct ones."""
        return self.path.startswith("scheduled/")

    @property
    def bytes(self) -> int:
        """Upper bound of the size; compressed arrays (crops, depth) take less."""
        return self.rows * row_bytes(self.arrays)


def cache_sizes(images: Mapping[str, int], settings: Settings, config: Config) -> dict[str, int]:
    """Upper bounds in bytes, by stage, of the crops, depth and features of all `images` (number by split).

    A crop of side S takes 5·S² bytes for colours and labels, 2·⌊S/4⌋² for depth and (2·h·w + 4)·C for features, where
    [h, w, C] is the shape of its tokens; with tokens stored as int8, features take (C + 2)·h·w + 4·C. Projected
    features come on top of those that they are projected from. With the setting `flip`, those of mirrored validation
    crops take as much as those of the crops.

    Raises:
        DepthGError: timm has no such backbone.
    """
    sizes = dict.fromkeys(("crops", "depth", "features", *(["mirrored"] if settings.flip else [])), 0)
    for store in _all_stores(images, settings, settings, config):
        if store.stage in sizes:
            sizes[store.stage] += store.bytes
    return sizes


def planned_stores(
    images: Mapping[str, int], settings: Settings, shared: Settings, config: Config
) -> list[PlannedStore]:
    """All stores that an experiment needs for `images` (number by split).

    `shared`, the settings common to all experiments on the data set, determine the scheduled crops.
    """
    stores = _all_stores(images, settings, shared, config)
    return [store for store in stores if settings.needs_geometry or store.stage != "depth"]


def _all_stores(
    images: Mapping[str, int], settings: Settings, shared: Settings, config: Config
) -> list[PlannedStore]:
    """As `planned_stores`, with depth stores even if the experiment does not read them."""
    return [
        *_of_training(images["train"], settings, shared, config),
        *_of_validation(images["val"], settings, config),
    ]


def runs_backbone(store: PlannedStore, config: Config) -> bool:
    """Whether a backbone runs for each row of a store; projected features are computed from stored ones."""
    return store.stage in OF_BACKBONE and bool(config.named("backbone", store.name).model)


def token_grid(side: int, name: str, config: Config) -> tuple[int, int, int]:
    """Shape (h, w, C) of the stored tokens of crops of a side in pixels, of the backbone `name`.

    Raises:
        DepthGError: timm has no such backbone.
    """
    rows, columns, channels = token_shape(config.network(name), name, side)
    return rows, columns, config.named("backbone", name).channels or channels


def _of_split(split: str, rows: int, side: int, settings: Settings, config: Config) -> list[PlannedStore]:
    """Stores of crops, depth and features of a split with a number of crops of a side in pixels."""
    return [
        PlannedStore("crops", f"{split}/crops.zarr", rows, crop_arrays(side)),
        PlannedStore("depth", f"{split}/depth/{settings.depth}.zarr", rows, depth_arrays(side)),
        *_of_features("features", split, rows, side, settings, config),
    ]


def _of_features(
    stage: str, split: str, rows: int, side: int, settings: Settings, config: Config
) -> list[PlannedStore]:
    """Stores of features, or of mirrored ones: those that a projected backbone projects, then its own."""
    stores = []
    for name in config.stored_backbones(settings.backbone):
        arrays = feature_arrays(token_grid(side, name, config), config.named("backbone", name).stored)
        stores.append(PlannedStore(stage, f"{split}/{stage}/{name}.zarr", rows, arrays))
    return stores


def _of_validation(images: int, settings: Settings, config: Config) -> list[PlannedStore]:
    """Stores that evaluation reads, or a figure, and those from which they are computed."""
    stores = _of_split("val", images, settings.eval_size, settings, config)
    if settings.flip:
        stores += _of_features("mirrored", "val", images, settings.eval_size, settings, config)
    return stores


def _of_training(images: int, settings: Settings, shared: Settings, config: Config) -> list[PlannedStore]:
    """Stores that training reads, and those from which they are computed."""
    per_image, side = crop_layout("train", settings)
    backbone, split = settings.backbone, settings.training_split
    shape = token_grid(side, backbone, config)
    rows = crops = images * per_image
    stores = []
    if split == "scheduled":
        rows = crops_drawn_at_most(shared, crops)
        pooled = f"train/pooled/{backbone}.zarr"
        stores = [
            PlannedStore("crops", "train/crops.zarr", crops, crop_arrays(side)),
            PlannedStore("pooled", pooled, crops, pooled_array(shape[2])),
        ]
    near = neighbor_arrays(settings.slice(NeighborSettings))
    own = config.named("geometry", settings.geometry)
    tokens = token_arrays(shape, config.named("backbone", backbone).stored)
    stores += _of_split(split, rows, side, settings, config)
    stores.append(PlannedStore("neighbors", f"train/neighbors/{backbone}.zarr", crops, near))
    optional = [
        ("geometry", f"{backbone}/{settings.depth}/{settings.geometry}", geometry_arrays(shape[:2], own)),
        ("attention", backbone, attention_arrays(shape[0] * shape[1], settings.mixing)),
        ("views", backbone, tokens),
    ]
    needed = settings.needs_geometry, settings.lhp == "attention", settings.needs_view
    for stage, path, arrays in compress(optional, needed):
        folder = "attention_maps" if "attention" in arrays else stage
        stores.append(PlannedStore(stage, f"{split}/{folder}/{path}.zarr", rows, arrays))
    if settings.tokens == "centred":
        stores.append(PlannedStore("mean", f"{split}/mean/{backbone}.zarr", 1, mean_array(shape[2])))
    return stores


def finished_rows(store: PlannedStore, folder: Path) -> int:
    """Number of finished rows of a store below a folder; 0 if its length differs, as it will be rewritten."""
    path = folder / store.path
    try:
        if (path / MARKER).is_file():
            rows = json.loads((path / MARKER).read_text())["rows"]
            return store.rows if rows == store.rows or (store.is_upper_bound and rows < store.rows) else 0
        if any(rows.stop > store.rows for rows in finished_ranges(path)):
            return 0
    except (OSError, ValueError, KeyError):
        return 0
    return store.rows - sum(map(len, unfinished_ranges(path, range(store.rows))))


def progress(store: PlannedStore, folder: Path) -> str:
    """How much of a store below a folder is finished, as text: `yes`, `no` or the number of rows."""
    rows = finished_rows(store, folder)
    return "yes" if rows == store.rows else f"{rows:,} rows" if rows else "no"
