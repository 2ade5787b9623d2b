"""What the stores of an experiment will take on the disk, before any is made."""

from collections.abc import Mapping
from dataclasses import dataclass

from depthg.attention import attention_arrays
from depthg.backbones import token_shape
from depthg.config import Config
from depthg.crops import crop_arrays, crop_layout
from depthg.depth.stage import depth_arrays
from depthg.features import feature_arrays
from depthg.geometry import geometry_arrays
from depthg.neighbors import neighbor_arrays
from depthg.settings import NeighborSettings, Settings
from depthg.store import Array, row_bytes
from depthg.tokens import token_arrays


@dataclass(frozen=True)
class PlannedStore:
    """A store that a stage will write: its path below `resources/{dataset}`, and its arrays of so many rows."""

    stage: str
    path: str
    rows: int
    arrays: dict[str, Array]

    @property
    def bytes(self) -> int:
        """What it takes at most; crops, depth and geometry are compressed, and so take less."""
        return self.rows * row_bytes(self.arrays)


def cache_sizes(images: Mapping[str, int], settings: Settings, config: Config) -> dict[str, int]:
    """The bytes that crops, depth and features take at most, from the numbers of images of each split.

    A crop of side S has 5·S² bytes of colours and labels, 2·⌊S/4⌋² of depth, and (2·h·w + 4)·C of features,
    where [h, w, C] are the tokens of the backbone; as int8, (C + 2)·h·w + 4·C.

    Raises:
        DepthGError: timm has no such backbone.
    """
    sizes = {"crops": 0, "depth": 0, "features": 0}
    for split, count in images.items():
        for store in _of_split(split, count, settings, config):
            sizes[store.stage] += store.bytes
    return sizes


def planned_stores(images: Mapping[str, int], settings: Settings, config: Config) -> list[PlannedStore]:
    """All stores that an experiment is made by, in the order of the data; arguments as above."""
    stores = [store for split in images for store in _of_split(split, images[split], settings, config)]
    read = stores if settings.needs_geometry else [store for store in stores if store.stage != "depth"]
    return [*read, *_of_training(images["train"], settings, config)]


def token_grid(side: int, settings: Settings, config: Config) -> tuple[int, int, int]:
    """The tokens [h, w, C] of crops of a side.

    Raises:
        DepthGError: timm has no such backbone.
    """
    name = settings.backbone
    rows, columns, channels = token_shape(config.network(name), name, side)
    return rows, columns, config.named("backbone", name).channels or channels


def _of_split(split: str, images: int, settings: Settings, config: Config) -> list[PlannedStore]:
    """Crops, depth and features of a split."""
    per_image, side = crop_layout(split, settings)
    stored = config.named("backbone", settings.backbone).stored
    of_stages = {
        "crops": ("crops", crop_arrays(side)),
        "depth": (f"depth/{settings.depth}", depth_arrays(side)),
        "features": (
            f"features/{settings.backbone}",
            feature_arrays(token_grid(side, settings, config), stored),
        ),
    }
    rows = images * per_image
    return [
        PlannedStore(stage, f"{split}/{path}.zarr", rows, arrays)
        for stage, (path, arrays) in of_stages.items()
    ]


def _of_training(images: int, settings: Settings, config: Config) -> list[PlannedStore]:
    """What only the training reads."""
    per_image, side = crop_layout("train", settings)
    shape, backbone = token_grid(side, settings, config), settings.backbone
    own = config.named("geometry", settings.geometry)
    stores = {
        "neighbors": (backbone, neighbor_arrays(settings.slice(NeighborSettings)), True),
        "geometry": (
            f"{backbone}/{settings.depth}/{settings.geometry}",
            geometry_arrays(shape[:2], own),
            settings.needs_geometry,
        ),
        "attention": (backbone, attention_arrays(shape[0] * shape[1]), settings.lhp == "attention"),
        "views": (
            backbone,
            token_arrays(shape, config.named("backbone", backbone).stored),
            settings.needs_view,
        ),
    }
    return [
        PlannedStore(stage, f"train/{stage}/{path}.zarr", images * per_image, arrays)
        for stage, (path, arrays, needed) in stores.items()
        if needed
    ]
