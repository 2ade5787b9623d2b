"""What a Segmenter says of one image: its label map, and on demand the probabilities of all classes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from depthg.inference.config import OutputClass

ROWS = 256  # that are counted at a time
VOID = 255  # pixels without data; also the number of classes that an 8-bit mask can hold


def by_name(names: Iterable[str], pixels: Iterable[int]) -> Counter[str]:
    """Pixels by the name of a class, of those that occur.

    Names may be equal: a cluster may be called by hand what another was matched to.
    """
    found: Counter[str] = Counter()
    for name, count in zip(names, pixels, strict=True):
        found[name] += count
    return +found


@dataclass(frozen=True)
class Segmentation:
    """The label map of an image.

    Attributes:
        labels: class ids uint8 [H, W] of the image as it is seen, EXIF orientation applied; uint16 with more than 255
            classes. 255 (65535) are pixels without data, which only a GeoTIFF has.
        classes: name and colour of each class.

    Example:
        >>> two = [OutputClass(name="road", color=(90, 90, 90)), OutputClass(name="sky", color=(0, 150, 255))]
        >>> Segmentation(np.array([[0, 1], [1, 1]], np.uint8), two).areas()
        {'road': 0.25, 'sky': 0.75}
    """

    labels: np.ndarray
    classes: Sequence[OutputClass]
    _probabilities: Callable[[], np.ndarray] | None = field(default=None, repr=False)

    @property
    def void(self) -> int:
        """The label of pixels without data: 255, or 65535 with more than 255 classes."""
        return int(np.iinfo(self.labels.dtype).max)

    @property
    def names(self) -> list[str]:
        """The name of each class, by id."""
        return [each.name for each in self.classes]

    @property
    def colors(self) -> np.ndarray:
        """RGB uint8 [classes, 3]."""
        return np.array([each.color for each in self.classes], np.uint8)

    @property
    def probabilities(self) -> np.ndarray:
        """Probabilities float32 [classes, H, W], summing to 1, of which clusters of one class have the sum; large."""
        if self._probabilities is None:
            raise ValueError("this segmentation was made without keep=True, so its probabilities are gone")
        return self._probabilities()

    def pixels(self) -> np.ndarray:
        """Number of pixels of each class, int64 [classes]."""
        counts = np.zeros(len(self.classes), np.int64)
        for row in range(0, len(self.labels), ROWS):  # bincount makes int64 of what it counts
            found = np.bincount(self.labels[row : row + ROWS].ravel(), minlength=len(counts))
            counts += found[: len(counts)]
        return counts

    def areas(self) -> dict[str, float]:
        """The share of each class that occurs, by name, of the pixels with data; classes of one name have the sum."""
        found = by_name(self.names, self.pixels().tolist())
        return {name: count / found.total() for name, count in found.items()}

    def paint(self) -> np.ndarray:
        """The label map in colours, RGB uint8 [H, W, 3]; pixels without data are white."""
        return np.vstack([self.colors, [[255] * 3]]).astype(np.uint8)[self._known()]

    def _known(self) -> np.ndarray:
        return np.minimum(self.labels, len(self.classes))

    def mask(self) -> Image.Image:
        """The label map as an indexed image in the colours of the classes; grey of 16 bits with more than 255."""
        if self.labels.dtype != np.uint8:
            return Image.fromarray(self.labels)
        image = Image.fromarray(self.labels)
        palette = np.full((256, 3), 255, np.uint8)
        palette[: len(self.classes)] = self.colors
        image.putpalette(palette.tobytes())
        return image

    def save(self, path: Path | str) -> None:
        """Write the mask as PNG."""
        self.mask().save(path)
