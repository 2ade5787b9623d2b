"""TIFFs that rasterio reads by parts: aerial mosaics of any size, whose masks keep their place on the map."""

import importlib
import math
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from depthg.errors import UnreadableImageError
from depthg.inference.segmentation import Segmentation
from depthg.stages.crops import RESIZES, Box

BY_PARTS = 64_000_000  # pixels; a smaller TIFF that is not a map is read as any other image
SHRINK = 2  # reading leaves the last step of this size to the filter that training used


class RasterPicture:
    """A TIFF that rasterio reads by parts.

    Args:
        path: the file.

    Attributes:
        height, width: its size in pixels.
        crs, transform: where it lies on the map; None without.
        suffix: of its mask: `.tif` for a map.

    Raises:
        UnreadableImageError: it cannot be read, or its values are neither of 8 nor of 16 bits.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            with _open(path) as source:
                self.height, self.width = source.height, source.width
                placed = source.crs is not None or not source.transform.is_identity
                self.crs: Any = source.crs if placed else None
                self.transform: Any = source.transform if placed else None
                self.bands = [1, 2, 3] if source.count >= 3 else [1]
                kind = source.dtypes[0]
                self.partial = not all(
                    "all_valid" in [flag.name for flag in band] for band in source.mask_flag_enums
                )
                self.palette = source.colorinterp[0].name == "palette"
        except _library().errors.RasterioError as error:
            raise UnreadableImageError(path, "not an image, or cut off") from error
        if kind not in ("uint8", "uint16"):
            raise UnreadableImageError(path, f"holds {kind}, not 8 or 16 bits")
        self.suffix = ".png" if self.transform is None else ".tif"

    @cached_property
    def _source(self) -> Any:
        """The opened file: in the thread that reads it, and as long as it does, for its cache."""
        return _open(self.path)

    def cut(self, box: Box, side: int, resize: str) -> np.ndarray:
        """See `Picture`. Of a much larger box every other step is taken while reading, so that little is held."""
        left, top, right, bottom = box
        zoom = max(right - left, bottom - top) / side
        margin = math.ceil(max(1.0, zoom))  # what the filter sees beyond the box
        x, y = max(0, math.floor(left) - margin), max(0, math.floor(top) - margin)
        w = min(self.width, math.ceil(right) + margin) - x
        h = min(self.height, math.ceil(bottom) + margin) - y
        step = max(1, int(zoom / SHRINK))
        rows, columns = math.ceil(h / step), math.ceil(w / step)
        pixels = self._read((x, y, w, h), (rows, columns))
        inner = (
            (left - x) * columns / w,
            (top - y) * rows / h,
            (right - x) * columns / w,
            (bottom - y) * rows / h,
        )
        return np.asarray(Image.fromarray(pixels).resize((side, side), RESIZES[resize], inner))

    def small(self, size: tuple[int, int]) -> np.ndarray:
        """See `Picture`."""
        return self._read((0, 0, self.width, self.height), (size[1], size[0]))

    def known(self, top: int, bottom: int) -> np.ndarray | None:
        """See `Picture`."""
        if not self.partial:
            return None
        return self._source.dataset_mask(window=_window(0, top, self.width, bottom - top)) > 0

    def write_mask(self, path: Path, found: Segmentation) -> None:
        """See `Picture`; with the georeference, the colours, and the names of the classes as tags of the band."""
        if self.transform is None:
            return found.mask().save(path, "PNG")
        profile = {"driver": "GTiff", "count": 1, "dtype": found.labels.dtype, "nodata": found.void}
        layout = {
            "compress": "deflate",
            "tiled": True,
            "blockxsize": 256,
            "blockysize": 256,
            "bigtiff": "if_safer",
        }
        place = {"crs": self.crs, "transform": self.transform, "height": self.height, "width": self.width}
        with _library().open(path, "w", **profile, **layout, **place) as mask:
            mask.write(found.labels, 1)
            if found.labels.dtype == np.uint8:
                mask.write_colormap(1, {i: tuple(color) for i, color in enumerate(found.colors.tolist())})
            mask.update_tags(1, **{f"CLASS_{i}": name for i, name in enumerate(found.names)})
        return None

    def _read(self, box: tuple[int, int, int, int], shape: tuple[int, int]) -> np.ndarray:
        """Pixels of a box (left, top, width, height), averaged to a number of rows and columns: RGB uint8."""
        average = _library().enums.Resampling.average
        try:
            values = self._source.read(
                self.bands, window=_window(*box), out_shape=(len(self.bands), *shape), resampling=average
            )
        except _library().errors.RasterioError as error:
            raise UnreadableImageError(self.path, "cut off") from error
        if values.dtype == np.uint16:  # as depthg.data.decode reads 16 bits
            values = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return np.repeat(values, 3 // len(values), 0).transpose(1, 2, 0)


def open_raster(path: Path) -> RasterPicture | None:
    """A TIFF that is a map, is large, or that Pillow cannot read; None for others, and without rasterio."""
    try:
        _library()
    except ImportError:
        return None
    if not path.is_file():
        return None  # Pillow says so
    picture = RasterPicture(path)
    if picture.palette:
        return None
    needed = picture.transform is not None or picture.height * picture.width > BY_PARTS
    return picture if needed or not _known_to_pillow(path) else None


def _known_to_pillow(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except OSError:
        return False


def _open(path: Path) -> Any:
    library = _library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", library.errors.NotGeoreferencedWarning)
        return library.open(path)


def _window(left: int, top: int, width: int, height: int) -> Any:
    return importlib.import_module("rasterio.windows").Window(left, top, width, height)


def _library() -> Any:
    return importlib.import_module("rasterio")
