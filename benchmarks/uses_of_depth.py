"""Uses of depth that are not the paper's, without training, each beside the same with another image's depth.

    python -m benchmarks.uses_of_depth demo --backbone demo_vit8 --depth exact

For a data set whose crops, features and depth are in resources/ (`make demo` makes those of demo). Clusters are those
of k-means on the centred tokens, and depth is

- joined with the tokens, as distance, height above the camera's axis, or the normals of the surface, or
- a guide: the probabilities of tokens that are near each other in depth, or lie in one plane, are averaged.

It measures quality, not time: mIoU without CRF, mean of five seeds. Seeds of k-means hardly differ, images do:
intervals are of validation images drawn again and again (bootstrap, 95 %). A use helps where it gains on what does
without depth, and on another image's depth.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from depthg.config.settings import GeometrySettings
from depthg.data.classes import read_classes
from depthg.evaluation.clustering import fit_centroids
from depthg.evaluation.guided import COLOUR as COLOUR_BANDWIDTH
from depthg.evaluation.guided import guided_mean, reach, token_colours
from depthg.evaluation.metrics import confusion, match, score
from depthg.evaluation.predict import SURENESS, upsample
from depthg.evaluation.probes import SHARPNESS
from depthg.models.centring import Centring
from depthg.stages.camera import unproject
from depthg.stages.depth.controls import CONTROLS
from depthg.stages.geometry import pool_depth
from depthg.store.reader import Store

SAMPLES = 20_000  # tokens on which k-means is fitted
SURE = SHARPNESS * SURENESS["unsupervised"]  # of cosines that vote, as with `enlarged: guided`
BATCH = 16
CONTROL = "shuffled"
RESTARTS = 2  # of k-means
DRAWS = 500  # of the validation crops, for intervals


def distance(depth: Tensor) -> Tensor:
    """Depth float [B, h, w] itself, as [B, 1, h, w]."""
    return depth[:, None]


def height(depth: Tensor) -> Tensor:
    """Height above the optical axis of a pinhole camera, float [B, 1, h, w]; up is positive."""
    return -_points(depth)[:, 1:2]


def normals(depth: Tensor) -> Tensor:
    """Unit normals float [B, 3, h, w] of the surface through the points of each token's neighbours."""
    points = pad(_points(depth), (1, 1, 1, 1), mode="replicate")
    across = points[..., 1:-1, 2:] - points[..., 1:-1, :-2]
    down = points[..., 2:, 1:-1] - points[..., :-2, 1:-1]
    return normalize(torch.linalg.cross(across, down, dim=1), dim=1)


def _points(depth: Tensor) -> Tensor:
    """Points float [B, 3, h, w] of the default camera."""
    return unproject(depth, GeometrySettings()).mT.unflatten(2, depth.shape[1:])


@dataclass(frozen=True)
class Use:
    """What becomes of depth.

    Attributes:
        joined: channels that are clustered beside the tokens.
        share: of the squared length of a joined token, how much is depth's.
        guides: channels by which probabilities are averaged, and the difference at which a weight is exp(−1/2).
        colour: whether they are averaged by colour as well, as `enlarged: guided` does.
    """

    joined: Callable[[Tensor], Tensor] | None = None
    share: float = 0.0
    guides: tuple[tuple[Callable[[Tensor], Tensor], float], ...] = ()
    colour: bool = False

    @property
    def reads_depth(self) -> bool:
        """Whether depth is used at all."""
        return self.joined is not None or bool(self.guides)


TOKENS, COLOUR = "k-means on centred tokens", "guided by colour (as `auto`)"
USES: dict[str, Use] = {
    TOKENS: Use(),
    "joined with distance, a tenth": Use(distance, 0.1),
    "joined with distance, a quarter": Use(distance, 0.25),
    "joined with height, a tenth": Use(height, 0.1),
    "joined with normals, a tenth": Use(normals, 0.1),
    "guided by distance (0.05)": Use(guides=((distance, 0.05),)),
    "guided by distance (0.1)": Use(guides=((distance, 0.1),)),
    "guided by normals (0.5)": Use(guides=((normals, 0.5),)),
    COLOUR: Use(colour=True),
    "guided by colour and distance (0.05)": Use(guides=((distance, 0.05),), colour=True),
    "guided by colour and distance (0.1)": Use(guides=((distance, 0.1),), colour=True),
    "guided by colour and normals (0.5)": Use(guides=((normals, 0.5),), colour=True),
}


@dataclass(frozen=True)
class Split:
    """The stores of a data set's split, and the mean of its training tokens."""

    features: Store
    crops: Store
    depth: Store
    centre: Centring

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens."""
        rows, columns = self.features.shape("tokens")[:2]
        return rows, columns

    def tokens(self, rows: range) -> Tensor:
        """Centred unit tokens float32 [B, P, C]."""
        return normalize(
            self.centre(torch.from_numpy(self.features.read("tokens", rows)).float().flatten(1, 2)), dim=-1
        )

    def pooled(self, rows: range, control: str) -> Tensor:
        """Depth at tokens, float32 [B, h, w]."""
        return pool_depth(torch.from_numpy(CONTROLS[control](self.depth, rows)).float(), self.grid)


class Joined:
    """Tokens with channels of depth beside them, which have mean 0 and deviation 1 over the sampled training tokens."""

    def __init__(self, use: Use, seen: Tensor):
        self.use, self.mean, self.deviation = use, seen.mean(0), seen.std(0) + 1e-6

    def __call__(self, tokens: Tensor, channels: Tensor) -> Tensor:
        """Unit vectors float32 [n, C + c] of tokens [n, C] and channels [n, c]."""
        depth = (channels - self.mean) / self.deviation / channels.shape[-1] ** 0.5
        parts = [(1 - self.use.share) ** 0.5 * tokens, self.use.share**0.5 * depth]
        return normalize(torch.cat(parts, -1), dim=-1)


class Study:
    """One data set, and what all uses of depth have in common.

    Args:
        train, val: the stores of both splits.
        classes: number of classes, and of clusters.
        seeds: of k-means.
    """

    def __init__(self, train: Split, val: Split, classes: int, seeds: range):
        self.train, self.val, self.classes, self.seeds = train, val, classes, seeds

    @cached_property
    def places(self) -> Tensor:
        """The tokens of each training crop on which k-means is fitted, int64 [crops, n]."""
        rng, crops = np.random.default_rng(0), len(self.train.features)
        tokens = self.train.grid[0] * self.train.grid[1]
        each = min(tokens, -(-SAMPLES // crops))
        return torch.from_numpy(np.stack([rng.permutation(tokens)[:each] for _ in range(crops)]))

    @cached_property
    def tokens(self) -> Tensor:
        """These tokens, float32 [crops · n, C]."""
        return self._sampled(self.train.tokens)

    @cached_property
    def plain(self) -> list[Tensor]:
        """Centroids float32 [clusters, C] of the tokens alone, by seed."""
        return self._centroids(self.tokens)

    def fit(self, use: Use, control: str) -> tuple[Joined | None, list[Tensor]]:
        """How tokens are joined with depth, if they are, and the centroids float32 [clusters, ·] of each seed."""
        if use.joined is None:
            return None, self.plain
        channels = use.joined
        seen = self._sampled(lambda rows: _flat(channels(self.train.pooled(rows, control))))
        joined = Joined(use, seen)
        return joined, self._centroids(joined(self.tokens, seen))

    def counted(self, use: Use, control: str) -> np.ndarray:
        """Pixels by cluster and class of each seed and validation crop, int64 [seeds, crops, clusters, classes]."""
        counts = np.zeros((len(self.seeds), len(self.val.features), self.classes, self.classes), np.int64)
        joined, fitted = self.fit(use, control)
        for rows in batches(len(self.val.features)):
            tokens, depth = self.val.tokens(rows), self.val.pooled(rows, control)
            codes = joined(tokens, _flat(use.joined(depth))) if joined and use.joined else tokens
            guide = guide_of(use, depth, self.val.crops.read("images", rows))
            labels = self.val.crops.read("labels", rows)
            for seed, centroids in enumerate(fitted):
                counts[seed, rows] = self._confusions(codes, centroids, guide, labels)
        return counts

    def _confusions(
        self, codes: Tensor, centroids: Tensor, guide: Tensor | None, labels: np.ndarray
    ) -> list[np.ndarray]:
        votes, grid = (SURE * codes @ centroids.T).softmax(-1), self.val.grid
        if guide is not None:
            votes = guided_mean(votes.mT.unflatten(2, grid), guide, reach(grid), bandwidth=1.0).flatten(2).mT
        found = (upsample(vote, grid, labels.shape[1:]).max(0).indices.numpy() for vote in votes)
        return [
            confusion(ids, label, self.classes, self.classes)
            for ids, label in zip(found, labels, strict=True)
        ]

    def _sampled(self, values: Callable[[range], Tensor]) -> Tensor:
        """The values [B, P, ·] of the training crops at their places, [crops · n, ·]."""
        parts = (
            torch.take_along_dim(values(rows), self.places[rows][..., None], 1)
            for rows in batches(len(self.train.features))
        )
        return torch.cat(list(parts)).flatten(0, 1)

    def _centroids(self, codes: Tensor) -> list[Tensor]:
        return [
            torch.from_numpy(fit_centroids(codes.numpy(), self.classes, RESTARTS, seed))
            for seed in self.seeds
        ]


def miou(counts: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Mean IoU in percent over seeds, of counts int [seeds, crops, ·, ·], for each of several draws of crops.

    Args:
        counts: see `Study.counted`.
        drawn: how often each crop is drawn, int [draws, crops].

    Returns:
        float64 [draws].
    """
    seeds, crops, clusters, classes = counts.shape
    sums = np.einsum("dc,scx->dsx", drawn, counts.reshape(seeds, crops, -1))
    found = [score(one, match(one)).miou for one in sums.reshape(-1, clusters, classes)]
    return np.reshape(found, (len(drawn), seeds)).mean(1)


def guide_of(use: Use, depth: Tensor, images: np.ndarray) -> Tensor | None:
    """Channels float [B, c, h, w] by which probabilities are averaged, in units of their bandwidth."""
    parts = [channels(depth) / bandwidth for channels, bandwidth in use.guides]
    if use.colour:
        parts.append(
            token_colours(torch.from_numpy(images), (depth.shape[1], depth.shape[2])) / COLOUR_BANDWIDTH
        )
    return torch.cat(parts, 1) if parts else None


def batches(rows: int) -> Iterator[range]:
    """Ranges of row numbers."""
    for start in range(0, rows, BATCH):
        yield range(start, min(start + BATCH, rows))


def _flat(maps: Tensor) -> Tensor:
    return maps.flatten(2).mT


def open_splits(folder: Path, backbone: str, depth: str) -> tuple[Split, Split]:
    """The training and the validation split of resources/{dataset}."""
    mean = Store(folder / "train" / "mean" / f"{backbone}.zarr").read("mean", [0])[0]
    centre = Centring(torch.from_numpy(mean))
    train, val = (
        Split(
            Store(folder / split / f"features/{backbone}.zarr"),
            Store(folder / split / "crops.zarr"),
            Store(folder / split / f"depth/{depth}.zarr"),
            centre,
        )
        for split in ("train", "val")
    )
    return train, val


Found = Mapping[
    str, tuple[np.ndarray, np.ndarray | None]
]  # of each use: counts, and with another image's depth


def table(found: Found) -> str:
    """Markdown: mIoU, and differences to the same without depth and with another image's depth, with intervals."""
    crops = next(iter(found.values()))[0].shape[1]
    rng = np.random.default_rng(0)
    drawn = np.vstack([np.ones(crops, np.int64), rng.multinomial(crops, np.full(crops, 1 / crops), DRAWS)])
    own = {name: miou(counts, drawn) for name, (counts, _) in found.items()}
    lines = ["| | mIoU | to the same without depth | to another image's depth |", "|---|---|---|---|"]
    for name, (_, other) in found.items():
        base = COLOUR if USES[name].colour and USES[name].reads_depth else TOKENS
        lines.append(
            f"| {name} | {own[name][0]:.1f} | {'–' if name == TOKENS else _signed(own[name] - own[base])} | "
            f"{'–' if other is None else _signed(own[name] - miou(other, drawn))} |"
        )
    return "\n".join(lines)


def _signed(differences: np.ndarray) -> str:
    """The first of some differences, and the interval that holds 95 % of the others."""
    low, high = np.percentile(differences[1:], (2.5, 97.5))
    return f"{differences[0]:+.1f} ({low:+.1f} … {high:+.1f})".replace("-", "−")


def main() -> None:
    """Measure every use on one data set, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("dataset", help="data set, with its stores in resources/")
    parser.add_argument("--backbone", required=True, help="whose features are clustered")
    parser.add_argument("--depth", required=True, help="depth source")
    parser.add_argument("--seeds", type=int, default=5, help="of k-means (5)")
    options = parser.parse_args()
    folder = Path("resources") / options.dataset
    train, val = open_splits(folder, options.backbone, options.depth)
    study, found = Study(train, val, len(read_classes(folder / "classes.csv")), range(options.seeds)), {}
    for name, use in USES.items():
        print(f"{name} …", flush=True)
        found[name] = study.counted(use, "none"), study.counted(use, CONTROL) if use.reads_depth else None
    print(table(found))


if __name__ == "__main__":
    main()
