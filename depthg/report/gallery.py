"""What a cluster looks like: patches of the images in which it lies, cut around it."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch.nn.functional import normalize

from depthg.data.classes import read_classes
from depthg.data.clusters import Clusters
from depthg.data.spaced import evenly_spaced
from depthg.evaluation.codes import CodeReader, open_reader, open_split
from depthg.evaluation.metrics import at_tokens, confusion
from depthg.evaluation.predict import BATCH
from depthg.evaluation.probes import load_probes
from depthg.report.folder import ResultFolder
from depthg.runtime.device import device
from depthg.runtime.progress import track
from depthg.store.reader import Store

CROPS = 400  # crops that are looked at, evenly spaced
SMALLEST = 4  # tokens: of smaller regions a patch shows mostly something else
LEAST = 1 / 4  # side of a patch, of the crop's side: what lies around it tells what it is
MARGIN = 1.3  # side of a patch, of the region's
DIM = 0.4  # brightness of what is not the cluster


@dataclass
class Look:
    """A cluster as it lies in the validation crops.

    Attributes:
        number: of the cluster.
        share: of all tokens, in [0, 1].
        images: number of crops in which it lies.
        patches: uint8 [n, S, S, 3], from the crop where it is most like its centroid to the least; the rest is dimmed.
        labelled: its tokens by class, int64 [classes]; empty without labels.
    """

    number: int
    share: float
    images: int
    patches: np.ndarray
    labelled: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def nearest(self, names: tuple[str, ...]) -> str:
        """The class of most of its labelled tokens, with their share; or nothing."""
        if not self.labelled.any():
            return ""
        return f"{names[self.labelled.argmax()]} {self.labelled.max() / self.labelled.sum():.0%}"


@dataclass(frozen=True)
class Gallery:
    """All clusters that are part of no other, and the names of the classes (none without labels)."""

    looks: list[Look]
    classes: tuple[str, ...]
    crops: int


class Region(NamedTuple):
    """The largest connected part of a cluster in one crop: place of the crop, tokens, box in tokens, mean cosine."""

    crop: int
    size: int
    box: tuple[slice, slice]
    cosine: float


def find_gallery(folder: ResultFolder, clusters: Clusters, patches: int, side: int) -> Gallery:
    """Look at the clusters of an experiment's first seed in its validation crops, token by token.

    Args:
        folder: of the experiment.
        clusters: its clusters; merged ones are looked at as one.
        patches: patches a cluster, at most.
        side: of a patch, in pixels.

    Raises:
        DepthGError: a store, the model or the probes are missing or do not fit each other.
    """
    features = folder.resource(f"val/features/{folder.metrics['backbone']}.zarr")
    feature_store, crops = open_split(features, folder.resource("val/crops.zarr"))
    reader = open_reader(feature_store, folder.seed / "model.safetensors", cache_bytes=0)
    rows = evenly_spaced(len(crops), CROPS)
    ids, cosines = assign(reader, load_probes(folder.probes).centroids.to(device()), rows)
    ids = clusters.merged[ids]
    classes = read_classes(folder.resource("classes.csv")).names
    labelled = _labelled(crops, rows, ids, len(clusters), len(classes))
    looks = []
    for number in track(clusters.kept, len(clusters.kept), "patches of clusters"):
        inside = ids == number
        regions = find_regions(inside, cosines)
        chosen = [regions[place] for place in evenly_spaced(len(regions), patches)] if regions else []
        cut = [_cut(crops, rows, region, inside, side) for region in chosen]
        images = int(inside.any(axis=(1, 2)).sum())
        shown = np.array(cut, np.uint8).reshape(-1, side, side, 3)
        looks.append(Look(number, float(inside.mean()), images, shown, labelled[number]))
    return Gallery(looks, classes, len(rows))


def assign(reader: CodeReader, centroids: torch.Tensor, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centroid of each token, int64 [n, h, w], and its cosine, float32 [n, h, w]."""
    ids, cosines = [], []
    starts = range(0, len(rows), BATCH)
    for start in track(starts, len(starts), "clusters"):
        codes = normalize(reader.codes(rows[start : start + BATCH]), dim=-1)
        best = (codes @ centroids.T).max(dim=-1)
        ids.append(best.indices.cpu().numpy())
        cosines.append(best.values.cpu().numpy())
    shape = (-1, *reader.grid)
    return np.concatenate(ids).reshape(shape), np.concatenate(cosines).reshape(shape)


def find_regions(inside: np.ndarray, cosines: np.ndarray) -> list[Region]:
    """The largest region of a cluster in each crop, the most typical first; small ones only if there are no others.

    Args:
        inside: where the cluster lies, bool [n, h, w].
        cosines: of tokens to their centroid, float [n, h, w].
    """
    crops = np.flatnonzero(inside.any(axis=(1, 2))).tolist()
    found = [_largest(crop, inside[crop], cosines[crop]) for crop in crops]
    large = [region for region in found if region.size >= SMALLEST]
    return sorted(large or found, key=lambda region: -region.cosine)


def _largest(crop: int, inside: np.ndarray, cosines: np.ndarray) -> Region:
    parts, _ = ndimage.label(inside)
    sizes = np.bincount(parts.ravel())[1:]
    part = int(sizes.argmax()) + 1
    box = ndimage.find_objects(parts)[part - 1]
    return Region(crop, int(sizes[part - 1]), box, float(cosines[parts == part].mean()))


def _cut(crops: Store, rows: list[int], region: Region, inside: np.ndarray, side: int) -> np.ndarray:
    """A square patch uint8 [side, side, 3] around a region, with what is not the cluster dimmed."""
    image = crops.read("images", [rows[region.crop]])[0]
    size = image.shape[:2]
    mask = Image.fromarray(inside[region.crop]).resize(size[::-1], Image.Resampling.NEAREST)
    lit = np.where(np.asarray(mask)[..., None], image, image * DIM).astype(np.uint8)
    return np.asarray(
        Image.fromarray(lit).resize((side, side), box=_square(region.box, inside.shape[1:], size))
    )


def _square(
    box: tuple[slice, slice], grid: tuple[int, ...], size: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """The square in pixels (left, upper, right, lower) around a box of tokens, inside the crop."""
    edges = [(part.start * s / g, part.stop * s / g) for part, s, g in zip(box, size, grid, strict=True)]
    side = min(max(MARGIN * max(stop - start for start, stop in edges), LEAST * min(size)), min(size))
    corners = [
        min(max((start + stop - side) / 2, 0), s - side) for (start, stop), s in zip(edges, size, strict=True)
    ]
    upper, left = corners
    return left, upper, left + side, upper + side


def _labelled(crops: Store, rows: list[int], ids: np.ndarray, clusters: int, classes: int) -> np.ndarray:
    """Tokens by cluster and class, by the label at the middle of each token: int64 [clusters, classes]."""
    counts = np.zeros((clusters, classes), np.int64)
    for place in range(0, len(rows) if classes else 0, BATCH):
        labels = crops.read("labels", rows[place : place + BATCH])
        counts += confusion(ids[place : place + BATCH], at_tokens(labels, ids.shape[1:]), clusters, classes)
    return counts
