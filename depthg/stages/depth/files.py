"""Depth read from files: measured, rendered, or predicted by other software.

    <root>/depth/<name>/{train,val}/**.png      8- or 16-bit grey; or npy, npz (its first array)

Maps have the names of the images. A map may have any size and aspect ratio; it is stretched to the area of its image.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from depthg.config.sections import DepthSource
from depthg.data.decode import DECODER_ERRORS, open_image
from depthg.data.folder import companion
from depthg.data.records import ImageRecord, content_hash
from depthg.errors import DepthGError, UnreadableImageError
from depthg.runtime.threads import allowed_threads
from depthg.stages.depth.source import CropBatch, min_max

SUFFIXES = (".png", ".npy", ".npz")


class Files:
    """Depth maps stored next to the images, scaled to [0, 1] over each whole image.

    Raises:
        DepthGError: maps are missing.
    """

    unit = batch = 60  # crops: twelve five-cropped images
    precision = "float32"

    def __init__(self, settings: DepthSource, root: Path, images: Sequence[ImageRecord]):
        self.nearer = settings.larger == "nearer"
        self.paths = _find(root, f"depth/{settings.name}", images)
        self.identity = content_hash(self.paths.values())

    def adapt(self, crops: CropBatch, precision: str | None) -> None:
        """Nothing to choose."""

    def read(self, crops: CropBatch) -> dict[int, np.ndarray]:
        """The whole maps of the crops' images by image id, float64 [H, W] in [0, 1], far = 1.

        Raises:
            DepthGError: a map cannot be read, holds colours, is not 2-D, not finite, or constant.
        """
        records = {record.id: record for record in crops.records}
        with ThreadPoolExecutor(allowed_threads()) as pool:
            return dict(zip(records, pool.map(self._far_map, records), strict=True))

    def compute(self, given: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
        """The same maps."""
        return given

    def scale(self, crops: CropBatch, computed: dict[int, np.ndarray], side: int) -> np.ndarray:
        """Cut the depth of each crop out of its image's map: float32 [B, side, side] in [0, 1], far = 1."""
        return crops.cut_from(computed, side)

    def _far_map(self, image: int) -> np.ndarray:
        """The whole depth map of an image id, float64 [H, W] in [0, 1], far = 1."""
        path = self.paths[image]
        depth = _read(path)
        if depth.ndim != 2 or not depth.size:
            raise DepthGError(
                f"{path}: an array of shape {depth.shape}: a depth map is 2-D, save it as [H, W]"
            )
        scaled = min_max(depth)
        if scaled is None:
            raise DepthGError(f"{path}: constant, or with NaN or infinite values: repair or replace the map")
        return 1 - scaled if self.nearer else scaled


def _find(root: Path, folder: str, images: Sequence[ImageRecord]) -> dict[int, Path]:
    """The path of the depth map of each image, by image id.

    Raises:
        DepthGError: maps are missing; the message gives their number and the first path.
    """
    found: dict[int, Path] = {}
    missing: list[Path] = []
    for record in images:
        candidates = [companion(root, Path(record.path), folder, suffix) for suffix in SUFFIXES]
        present = [path for path in candidates if path.is_file()]
        if present:
            found[record.id] = present[0]
        else:
            missing.append(candidates[0])
    if missing:
        raise DepthGError(
            f"{missing[0]}: no such depth map (nor npy, npz), {len(missing)} of {len(images)} are missing: "
            f"put them into {root / folder}, named like the images"
        )
    return found


def _read(path: Path) -> np.ndarray:
    """The array in a png, npy or npz file, float64.

    Raises:
        DepthGError: it cannot be read, or holds colours.
    """
    try:
        if path.suffix == ".png":
            with open_image(path) as image:
                if image.mode == "P" or len(image.getbands()) > 1:  # indices of a palette are in any order
                    raise DepthGError(
                        f"{path}: holds colours, no depth: save the map as an 8- or 16-bit grey PNG"
                    )
                return np.asarray(image, np.float64)
        with path.open("rb") as stream:
            content = np.load(stream)
            if not isinstance(content, np.ndarray):  # an npz archive
                content = content[content.files[0]]
        if np.asarray(content).dtype.kind not in "biuf":
            raise ValueError("no real numbers")
        return np.asarray(content, np.float64)
    except UnreadableImageError as error:
        raise DepthGError(f"{path}: not a readable depth map ({error.reason}): replace the file") from error
    except (*DECODER_ERRORS, IndexError, BadZipFile) as error:
        raise DepthGError(
            f"{path}: not a readable depth map ({type(error).__name__}): replace the file"
        ) from error
