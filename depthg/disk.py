"""What the stores that all experiments on a data set share will take on the disk, before any is made."""

from collections.abc import Mapping

from depthg.backbones import token_shape
from depthg.config import Config
from depthg.crops import crop_arrays, crop_layout
from depthg.depth.stage import depth_arrays
from depthg.features import feature_arrays
from depthg.settings import Settings
from depthg.store import row_bytes


def cache_sizes(images: Mapping[str, int], settings: Settings, config: Config) -> dict[str, int]:
    """The bytes that crops, depth and features take at most, from the numbers of images of each split.

    A crop of side S has 5·S² bytes of colours and labels, 2·⌊S/4⌋² of depth, and (2·h·w + 4)·C of features,
    where [h, w, C] are the tokens of the backbone; crops and depth are compressed, and so take less.

    Raises:
        DepthGError: timm has no such backbone.
    """
    sizes = {"crops": 0, "depth": 0, "features": 0}
    stored = config.named("backbone", settings.backbone).stored
    for split, count in images.items():
        per_image, side = crop_layout(split, settings)
        for stage, arrays in {
            "crops": crop_arrays(side),
            "depth": depth_arrays(side),
            "features": feature_arrays(_tokens(settings.backbone, side, config), stored),
        }.items():
            sizes[stage] += count * per_image * row_bytes(arrays)
    return sizes


def _tokens(backbone: str, side: int, config: Config) -> tuple[int, int, int]:
    """The tokens [h, w, C] of crops of a side."""
    rows, columns, channels = token_shape(config.network(backbone), backbone, side)
    return rows, columns, config.named("backbone", backbone).channels or channels
