"""Image and label tiles in MATLAB files, under the keys `img` and `gt` (Potsdam)."""

from pathlib import Path

import numpy as np

from depthg.errors import DepthGError, UnreadableImageError


def read_image(path: Path) -> np.ndarray:
    """Read the first three channels (RGB) of a tile, uint8 [H, W, 3]; infrared is dropped.

    Raises:
        UnreadableImageError: the file is missing, not a MATLAB file, or cut off.
        DepthGError: the key `img` is missing, or not uint8 [H, W, 3 or more].
    """
    tile = _read(path, "img")
    if tile.dtype != np.uint8 or tile.ndim != 3 or tile.shape[2] < 3:
        raise DepthGError(f"{path}: img is {_form(tile)}: save it as uint8 [height, width, 3 or more]")
    return np.ascontiguousarray(tile[..., :3])


def read_label(path: Path) -> np.ndarray:
    """Read the raw ids of a tile, uint16 [H, W], 255 = void.

    Raises:
        UnreadableImageError: the file is missing, not a MATLAB file, or cut off.
        DepthGError: the key `gt` is missing, or not whole numbers [H, W].
    """
    tile = _read(path, "gt")
    ids = tile.astype(np.uint16) if tile.dtype.kind in "iu" else None
    if ids is None or tile.ndim != 2 or (ids != tile).any():
        raise DepthGError(f"{path}: gt is {_form(tile)}: save it as [height, width] of whole numbers from 0")
    return ids


def _read(path: Path, key: str) -> np.ndarray:
    from scipy.io import loadmat  # slow to import, and only needed for Potsdam

    try:
        with path.open("rb") as stream:
            content = loadmat(stream)
    except FileNotFoundError:
        raise UnreadableImageError(path, "missing") from None
    # scipy raises many exception types for damaged files.
    except Exception as error:
        raise UnreadableImageError(path, "not a MATLAB file, or cut off") from error
    if key not in content:
        keys = ", ".join(name for name in content if not name.startswith("__"))
        raise DepthGError(f"{path}: no key '{key}', only {keys or 'nothing'}: save the tile under '{key}'")
    return content[key]


def _form(tile: np.ndarray) -> str:
    return f"{tile.dtype} {list(tile.shape)}"
