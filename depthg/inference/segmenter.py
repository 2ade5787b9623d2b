"""A trained model, applied to images of any size: `Segmenter.from_pretrained(folder)(image)`."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from depthg.errors import DepthGError
from depthg.evaluation.crf import CHANNELS, refine
from depthg.evaluation.predict import ENLARGED, upsample
from depthg.inference import config as names
from depthg.inference.hub import model_folder
from depthg.inference.kept import KeptWindows
from depthg.inference.network import Network
from depthg.inference.picture import Picture, open_picture
from depthg.inference.segmentation import VOID, Segmentation
from depthg.inference.windows import enlarge, join, lay_axes
from depthg.runtime.device import send
from depthg.runtime.files import file_hash, fingerprint
from depthg.runtime.progress import track

BATCH = {"cpu": 4, "cuda": 32}  # windows that are looked at together
DECISIVE = (names.CONFIG, names.HEAD, names.PROBES)  # for label maps
MANY = 64  # windows of an image that has a progress bar of its own

Edges = tuple[float, float]
Box = tuple[Edges, Edges]  # left and right, top and bottom of a window in the image, in pixels


def check_numbers(scale: float | None, batch: int | None) -> None:
    """Check a scale and a number of windows.

    Raises:
        DepthGError: one is out of range.
    """
    if scale is not None and not 0 < scale < np.inf:
        raise DepthGError(f"scale {scale}: must be a number above 0")
    if batch is not None and batch < 1:
        raise DepthGError(f"batch {batch}: must be at least 1")


class Segmenter:
    """A frozen backbone with a trained head and the centroids of its clusters.

    Args:
        folder: a model's folder, as `depthg export` writes it.
        device: where to compute, for example `cuda:1`; None: a GPU if there is one.

    Attributes:
        config: the content of config.json: classes, window, where the model comes from.
        folder: where it was read from.

    Raises:
        DepthGError: a file of the folder or the backbone's weights are missing, or do not belong together.

    Example:
        >>> segment = Segmenter.from_pretrained("demo")
        >>> found = segment(np.zeros((90, 120, 3), np.uint8))
        >>> found.labels.shape, found.names == segment.names
        ((90, 120), True)
    """

    def __init__(self, folder: Path, device: str | torch.device | None = None):
        self.folder, self.network = folder, Network(folder, device)
        self.config = self.network.config
        self._class_of = torch.tensor(self.config.class_of, device=self.network.device)

    @classmethod
    def from_pretrained(
        cls, source: Path | str = "demo", device: str | torch.device | None = None
    ) -> "Segmenter":
        """Load a model: a folder, `demo`, which comes with the package, or the id of one on the Hugging Face hub.

        Raises:
            DepthGError: there is no such model, or it cannot be fetched.
        """
        return cls(model_folder(source), device)

    def save_pretrained(self, folder: Path | str) -> None:
        """Copy the model to a folder, from which `from_pretrained` loads it.

        The folder is created if missing, and another model in it is replaced.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if folder.samefile(self.folder):
            return
        names.remove_model(folder)
        for file in names.FILES:
            if (self.folder / file).is_file():
                shutil.copyfile(self.folder / file, folder / file)

    @property
    def names(self) -> list[str]:
        """The names of the classes, by id."""
        return [each.name for each in self.config.classes]

    @property
    def fingerprint(self) -> str:
        """A hash of what decides label maps: of the head, the centroids and config.json."""
        return fingerprint({name: file_hash(self.folder / name) for name in DECISIVE})

    def __call__(
        self,
        image: Path | str | Image.Image | np.ndarray | Picture,
        *,
        crf: bool = False,
        flip: bool | None = None,
        scale: float | None = None,
        batch: int | None = None,
        keep: bool = True,
        windows: KeptWindows | None = None,
    ) -> Segmentation:
        """Segment an image at its own resolution, by overlapping windows as large as its short side.

        Args:
            image: a path, an image of Pillow, or an array, grey or RGB, uint8 [H, W] or [H, W, 3].
            crf: refine each window with a dense CRF.
            flip: average with the mirror image; None: as the model was evaluated.
            scale: factor by which the image is resized before windows of `config.side` pixels are cut from it; None:
                the short side fills a window, as in evaluation.
            batch: windows that are looked at together; None: 4 on a CPU, 32 on a GPU.
            keep: keep what `probabilities` is made from, a few bytes for each token.
            windows: keeps what is seen in an image of more than 64 windows, so that an interrupted call goes on; not
                with `crf`, which has values for each pixel.

        Raises:
            DepthGError: the image cannot be read, or a number is out of range.
        """
        check_numbers(scale, batch)
        picture = open_picture(image)
        size = (picture.height, picture.width)
        cells = self.config.side if crf else self.network.tokens
        rows, columns = lay_axes(*size, cells, scale, self.config.side)
        flip = self.config.flip if flip is None else flip
        places = list(product(rows.starts, columns.starts))
        boxes = [(columns.box(x, picture.width), rows.box(y, picture.height)) for y, x in places]
        many = len(boxes) > MANY
        look = partial(self._look, picture, flip, crf)
        values = self._values(boxes, look, batch, windows if many and not crf else None)
        if many:
            values = track(values, len(boxes), "windows")
        bands: Iterable[Tensor] = join(rows, columns, values)
        probabilities = None
        if keep:
            bands = list(bands)
            probabilities = partial(self._probabilities, bands, rows.length, size, crf)
        labels = self._labels(picture, bands, rows.length, crf)
        return Segmentation(labels, self.config.classes, probabilities)

    def _values(
        self,
        boxes: Sequence[Box],
        look: Callable[[Sequence[Box]], Iterator[Tensor]],
        batch: int | None,
        kept: KeptWindows | None,
    ) -> Iterator[Tensor]:
        """What is joined, float32 [n, cells, cells] of every window, as `look` sees those of a batch of boxes."""
        where = self.network.device
        step = batch or BATCH.get(where.type, BATCH["cpu"])
        for first in range(0, len(boxes), step):
            chosen = boxes[first : first + step]
            look_at = partial(look, chosen)
            yield from kept.values(first, len(chosen), look_at, where) if kept else look_at()

    def _look(self, picture: Picture, flip: bool, crf: bool, boxes: Sequence[Box]) -> Iterator[Tensor]:
        """The same of some windows."""
        side, resize = self.config.side, self.config.resize
        cuts = [
            picture.cut((left, top, right, bottom), side, resize) for (left, right), (top, bottom) in boxes
        ]
        return self._of_windows(np.stack(cuts), flip, crf)

    @torch.inference_mode()
    def _of_windows(self, images: np.ndarray, flip: bool, crf: bool) -> Iterator[Tensor]:
        """The same of windows uint8 [B, S, S, 3]: refined probabilities of pixels, or what is enlarged from tokens."""
        where, probes = self.network.device, self.network.probes
        pixels = send(torch.from_numpy(images), where)
        codes, grid = self.network.encode(pixels, flip)
        enlarger = ENLARGED[self.config.enlarged]
        for image, values in zip(images, enlarger.values(probes, codes, grid, pixels), strict=True):
            if not crf:
                yield values.T.unflatten(1, grid)
                continue
            logits = enlarger.logits(probes, upsample(values, grid, image.shape[:2]))["unsupervised"]
            refined = refine(CHANNELS[self.config.crf_channels](image), logits.softmax(0).cpu().numpy())
            yield torch.from_numpy(refined).to(where)

    def _labels(self, picture: Picture, bands: Iterable[Tensor], rows: int, crf: bool) -> np.ndarray:
        """Class ids uint8 or uint16 [H, W]: the class of the most probable cluster, where there is data."""
        size = (picture.height, picture.width)
        labels = np.empty(size, np.uint8 if len(self.names) <= VOID else np.uint16)
        filled = 0
        for logits in self._logits(bands, rows, size, crf):
            strip = self._class_of[logits.max(0).indices].cpu().numpy()
            bottom = filled + len(strip)
            known = picture.known(filled, bottom)
            labels[filled:bottom] = (
                strip if known is None else np.where(known, strip, np.iinfo(labels.dtype).max)
            )
            filled = bottom
        return labels

    def _probabilities(
        self, bands: Iterable[Tensor], rows: int, size: tuple[int, int], crf: bool
    ) -> np.ndarray:
        """Probabilities float32 [classes, H, W]."""
        strips = []
        for logits in self._logits(bands, rows, size, crf):
            summed = logits.new_zeros(len(self.names), *logits.shape[1:])
            strips.append(summed.index_add_(0, self._class_of, logits.softmax(0)).cpu().numpy())
        return np.concatenate(strips, 1)

    @torch.inference_mode()
    def _logits(
        self, bands: Iterable[Tensor], rows: int, size: tuple[int, int], crf: bool
    ) -> Iterator[Tensor]:
        """Logits of the clusters float32 [clusters, y, W], a strip after the other."""
        enlarger = ENLARGED[self.config.enlarged]
        for strip in enlarge(bands, rows, size):
            yield strip.log() if crf else enlarger.logits(self.network.probes, strip)["unsupervised"]
