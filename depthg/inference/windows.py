"""Windows over an image of any size, and how what they give is joined and enlarged, a strip at a time.

An image is divided into cells, tokens or pixels of the model's scale; a window covers a square of them. Neighbouring
windows overlap by half. Their values are averaged with weights that fall towards a window's border and sum to 1 at
every cell, so that a single window keeps its values to the last bit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

STRIP_BYTES = 64 << 20  # of enlarged values at a time
LONGEST = 64  # times the short side; a longer image is squeezed


@dataclass(frozen=True)
class Axis:
    """The windows along one side of an image.

    Attributes:
        length: cells along the side.
        window: cells along a window.
        starts: first cell of each window, ascending.
        weights: float32 [windows, window]; those of all windows at a cell sum to 1.
    """

    length: int
    window: int
    starts: tuple[int, ...]
    weights: Tensor

    def box(self, start: int, pixels: int) -> tuple[float, float]:
        """First and last edge of a window on a side of `pixels` pixels."""
        return start * pixels / self.length, (start + self.window) * pixels / self.length


def lay_axis(length: int, window: int) -> Axis:
    """Windows that cover `length` cells and overlap by half or a little more.

    Example:
        >>> lay_axis(10, 4).starts
        (0, 2, 4, 6)
    """
    length = max(length, window)
    count = 1 + -(-(length - window) // max(1, window // 2))
    starts = tuple(int(start) for start in np.linspace(0, length - window, count).round())
    ramp = np.minimum(np.arange(1, window + 1), np.arange(window, 0, -1)).astype(np.float64)
    total = np.zeros(length)
    for start in starts:
        total[start : start + window] += ramp
    weights = np.stack([ramp / total[start : start + window] for start in starts])
    return Axis(length, window, starts, torch.from_numpy(weights).float())


def lay_axes(height: int, width: int, cells: int, scale: float | None, side: int) -> tuple[Axis, Axis]:
    """The windows of an image: those of its rows, and of its columns.

    Args:
        height, width: of the image, in pixels.
        cells: cells along a window.
        scale: factor by which the image is resized before a window of `side` pixels is cut from it, at least such that
            the short side fills one; None: just that.
        side: pixels of a window's side.
    """
    short = max(min(height, width), max(height, width) / LONGEST)
    zoom = max(cells / short, (scale or 0.0) * cells / side)  # cells per pixel
    return lay_axis(round(height * zoom), cells), lay_axis(round(width * zoom), cells)


def join(rows: Axis, columns: Axis, values: Iterable[Tensor]) -> Iterator[Tensor]:
    """Average what overlapping windows give.

    Args:
        rows, columns: the windows.
        values: float [n, window, window] of every window, row by row.

    Yields:
        Rows of the whole image float [n, k, columns.length], from the top, as soon as they are known.
    """
    following = iter(values)
    waiting, top = None, 0
    for down, start in zip(rows.weights, rows.starts, strict=True):
        band = _band(down, columns, following)
        if waiting is not None:
            done = start - top
            yield waiting[:, :done]
            band[:, : rows.window - done] += waiting[:, done:]
        waiting, top = band, start
    if waiting is not None:
        yield waiting


def _band(down: Tensor, columns: Axis, values: Iterator[Tensor]) -> Tensor:
    """The weighted sum of one row of windows, float [n, window, columns.length]."""
    band = None
    for across, left in zip(columns.weights, columns.starts, strict=True):
        value = next(values)
        if band is None:
            band = value.new_zeros(len(value), columns.window, columns.length)
        weight = torch.outer(down, across).to(value.device)
        band[:, :, left : left + columns.window] += weight * value
    assert band is not None  # an axis has a window
    return band


def enlarge(bands: Iterable[Tensor], rows: int, size: tuple[int, int]) -> Iterator[Tensor]:
    """Enlarge cells bilinearly to pixels, as `interpolate(…, align_corners=False)` does of the whole image.

    Args:
        bands: float [n, k, columns], from the top.
        rows: cells in all bands, from top to bottom.
        size: height H and width W of the result.

    Yields:
        Strips float [n, y, W] of at most `STRIP_BYTES`, from the top.
    """
    above, below, share = _neighbours(rows, size[0])
    kept, first = None, 0  # cells that are still needed, and the row of their first
    pixel = 0  # the next row of pixels
    for band in bands:
        kept = band if kept is None else torch.cat([kept, band], 1)
        ready = int(np.searchsorted(below, first + kept.shape[1]))
        step = max(1, STRIP_BYTES // (len(kept) * size[1] * 4))
        for y in range(pixel, ready, step):
            chosen = slice(y, min(y + step, ready))
            yield _strip(kept, above[chosen] - first, below[chosen] - first, share[chosen], size[1])
        pixel = ready
        needed = int(above[pixel]) if pixel < size[0] else rows
        passed = min(needed - first, kept.shape[1])
        kept, first = kept[:, passed:], first + passed


def _neighbours(rows: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row of pixels the row of cells above and below it, and the share of the lower one."""
    place = np.maximum((np.arange(height) + 0.5) * (rows / height) - 0.5, 0)
    above = np.minimum(place.astype(np.int64), rows - 1)
    return above, np.minimum(above + 1, rows - 1), (place - above).astype(np.float32)


def _strip(cells: Tensor, above: np.ndarray, below: np.ndarray, share: np.ndarray, width: int) -> Tensor:
    """Rows of pixels float [n, y, W] between rows of cells [n, k, columns]."""
    low, high = int(above[0]), int(below[-1]) + 1
    near, size = cells[None, :, low:high], (high - low, width)
    wide = functional.interpolate(near, size=size, mode="bilinear", align_corners=False)[0]
    lower = torch.from_numpy(share).to(cells.device)[:, None]
    return wide[:, above - low] * (1 - lower) + wide[:, below - low] * lower
