"""Pictures of the report: validation images with depth, sampled points, truth and predictions; patches of clusters."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image

from depthg.config.settings import GeometrySettings
from depthg.data.classes import read_classes
from depthg.report.figures.marks import enlarge, mark_tokens
from depthg.report.figures.palette import Palette, cluster_palette
from depthg.report.figures.panels import DEPTH_COLORS
from depthg.report.figures.predictions import Predictions, read_predictions
from depthg.report.figures.sampling import DOTS
from depthg.report.folder import ResultFolder, clusters_for_figures
from depthg.stages.camera import CAMERAS
from depthg.stages.depth.controls import VALUES
from depthg.stages.geometry import farthest_point_order, pool_depth
from depthg.store.arrays import MARKER
from depthg.store.reader import Store

SIDE = 320  # pixels of a picture, at most
QUALITY = 85  # of JPEG
POINTS = 121  # sampled tokens shown: N = 11 squared, the paper's


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with its alternative text and its caption."""

    source: str
    alt: str
    caption: str


def photo(pixels: np.ndarray, alt: str, caption: str, side: int | None = SIDE) -> Picture:
    """RGB uint8 [H, W, 3] as a JPEG, scaled to at most `side` pixels."""
    return Picture(_uri(_scaled(pixels, side), "JPEG", quality=QUALITY), alt, caption)


def drawing(pixels: np.ndarray, alt: str, caption: str) -> Picture:
    """A label map in its colours, RGB uint8 [H, W, 3], as a PNG: few colours, sharp borders."""
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    return Picture(_uri(image.quantize(256, dither=Image.Dither.NONE), "PNG", optimize=True), alt, caption)


def _scaled(pixels: np.ndarray, side: int | None) -> Image.Image:
    image = Image.fromarray(pixels)
    if side is not None:
        image.thumbnail((side, side))
    return image


def _uri(image: Image.Image, form: str, **options: object) -> str:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return f"data:image/{form.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"


class Shown:
    """The predictions of an experiment for some images, in the colours and by the names of its classes or clusters.

    Args:
        folder: of the experiment.
        name: predictions.npz, worst.npz or best.npz, in the folder of its first seed.
    """

    def __init__(self, folder: ResultFolder, name: str = "predictions.npz"):
        self.folder, self.content = folder, read_predictions(folder.seed / name)
        self.maps = self.content.get("refined", self.content["predictions"])
        if self.matched:
            table = read_classes(folder.resource("classes.csv"))
            self.palette = Palette(table.names, table.colors, "void")
        else:
            clusters = clusters_for_figures(folder.names, folder.probes)
            self.maps, self.palette = clusters.merged[self.maps], cluster_palette(clusters)

    @property
    def matched(self) -> bool:
        """Whether ids are those of classes, as there are labels."""
        return bool(self.content["matched"])

    def __len__(self) -> int:
        return len(self.content["crops"])

    def image(self, place: int) -> Picture:
        """The image at a place."""
        return photo(self.content["images"][place], f"Validation image {self.number(place)}", "image")

    def number(self, place: int) -> int:
        """Number of the validation image at a place."""
        return int(self.content["crops"][place])

    def truth(self, place: int) -> Picture:
        """The ground truth at a place."""
        return self._map(self.content["labels"][place], "ground truth")

    def prediction(self, place: int, caption: str = "prediction") -> Picture:
        """The prediction at a place, after the CRF if it was on."""
        return self._map(self.maps[place], caption)

    def _map(self, ids: np.ndarray, caption: str) -> Picture:
        found, counts = np.unique(np.minimum(ids, len(self.palette.names)), return_counts=True)
        names = [*self.palette.names, self.palette.void]
        most = sorted(zip(counts.tolist(), found.tolist(), strict=True), reverse=True)[:4]
        said = ", ".join(f"{names[i]} {count / ids.size:.0%}" for count, i in most)
        return drawing(self.palette.paint(ids), f"{caption}: {said}", caption)

    def legend(self) -> list[tuple[str, str]]:
        """Name and colour (#rrggbb) of each class or cluster."""
        pairs = zip(self.palette.names, self.palette.colors, strict=True)
        return [(name, "#{:02x}{:02x}{:02x}".format(*color)) for name, color in dict(pairs).items()]


def side_by_side(folders: Sequence[ResultFolder]) -> list[tuple[int, list[Picture]]]:
    """The pictured images: number, and image, depth, sampled points, truth and the prediction of each experiment.

    Depth and points are left out where no experiment used depth or their stores are gone, predictions where they are of
    other images.
    """
    shown = [Shown(folder) for folder in folders]
    first = shown[0]
    alike = [one for one in shown if np.array_equal(one.content["crops"], first.content["crops"])]
    deep = next((folder for folder in folders if depth_of(folder)), None)
    extra = _depth_and_points(deep, first.content) if deep else [[] for _ in range(len(first))]
    rows = []
    for place in range(len(first)):
        truth = [first.truth(place)] if first.matched else []
        predictions = [one.prediction(place, one.folder.name) for one in alike]
        rows.append((first.number(place), [first.image(place), *extra[place], *truth, *predictions]))
    return rows


def depth_of(folder: ResultFolder) -> Path | None:
    """The validation depth of an experiment that used some, if it is there."""
    name = folder.metrics["depth"]
    path = folder.resource(f"val/depth/{name}.zarr")
    return path if name and (path / MARKER).is_file() else None


def _depth_and_points(folder: ResultFolder, shown: Predictions) -> list[list[Picture]]:
    """Depth of each image, and the farthest points in space that training would sample there, if features are there."""
    path, features = depth_of(folder), folder.resource(f"val/features/{folder.metrics['backbone']}.zarr")
    assert path is not None
    depth = Store(path).read("depth", shown["crops"].tolist())
    painted = (colormaps[DEPTH_COLORS](depth.astype(np.float32))[..., :3] * 255).astype(np.uint8)
    pictures = [[photo(one, "Depth, near is light", "depth")] for one in painted]
    if not (features / MARKER).is_file():
        return pictures
    grid = Store(features).shape("tokens")[:2]
    tokens = farthest_tokens(depth, (grid[0], grid[1]), geometry_of(folder))
    marked = mark_tokens(enlarge(shown["images"]), tokens, (grid[0], grid[1]), DOTS)
    said = f"{tokens.shape[1]} tokens that farthest-point sampling in space selects"
    return [
        [*one, photo(points, said, "sampled points")] for one, points in zip(pictures, marked, strict=True)
    ]


def geometry_of(folder: ResultFolder) -> GeometrySettings:
    """The camera of the geometry that an experiment was trained with, or the default one if it is not to be found."""
    stores = folder.resource("").glob(f"*/geometry/*/{folder.metrics['depth']}/*.zarr/{MARKER}")
    used = folder.settings.get("inputs", {}).get("geometry")
    found = next((store for store in map(Store, sorted(stores)) if store.fingerprint == used), None)
    return GeometrySettings(**found.provenance["settings"]) if found else GeometrySettings()


def farthest_tokens(depth: np.ndarray, grid: tuple[int, int], settings: GeometrySettings) -> np.ndarray:
    """The first tokens by farthest-point order in space, int64 [n, POINTS or all], of depth float [n, H, W]."""
    camera = CAMERAS[settings.camera]
    pooled = VALUES[settings.depth_values](pool_depth(torch.from_numpy(depth).float(), grid))
    points = camera.unproject(pooled, settings)
    count = min(POINTS, points.shape[1])
    return farthest_point_order(points, count, camera.start(points)).numpy()
