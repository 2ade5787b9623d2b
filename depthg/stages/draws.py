"""The crops of a training step: anchors, one neighbour per anchor and, with depth pairs of siblings, one sibling.

All are pure functions of (seed, step) and the neighbour store. A resumed training therefore continues with the same
crops, and all crops of a training are known before any tokens are computed (depthg.stages.schedule).
"""

from collections.abc import Callable
from functools import cached_property, lru_cache, partial

import numpy as np

from depthg.config.settings import DrawSettings
from depthg.data.records import index_again
from depthg.errors import DepthGError
from depthg.store.reader import Store

Reader = Callable[[np.ndarray], np.ndarray]


class Draws:
    """Draws the crops of any step, as indices among all M training crops.

    Args:
        neighbors: store of the nearest crops, `ids`, and of the `image` of each crop.
        settings: batch size, neighbours to draw from, and depth pairs.
        seed: seed of the training run.
        near: how to read `ids` of crops int [B], if not from the store.
    """

    def __init__(self, neighbors: Store, settings: DrawSettings, seed: int, near: Reader | None = None):
        self.store, self.settings, self.seed = neighbors, settings, seed
        self.near = near or partial(neighbors.read, "ids")

    def anchors(self, step: int) -> np.ndarray:
        """Anchor crops int64 [B]: each crop at most once per epoch, in an order shuffled every epoch."""
        epoch, place = divmod(step, len(self.store) // self.settings.batch)
        order = _permutation(len(self.store), self.seed, epoch)
        return order[place * self.settings.batch :][: self.settings.batch]

    def rng(self, step: int) -> np.random.Generator:
        """Random generator of a step for all draws but anchors and siblings; `neighbors` must use it first."""
        return np.random.default_rng([self.seed, 1, step])

    def neighbors(self, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One of the nearest crops of each anchor, its rank drawn uniformly, int [B]."""
        ranks = rng.integers(self.settings.neighbors, size=len(anchors))
        return self.near(anchors)[np.arange(len(anchors)), ranks]

    def siblings(self, anchors: np.ndarray, step: int) -> np.ndarray:
        """Another crop of each anchor's image, drawn uniformly, int [B]."""
        rng = np.random.default_rng([self.seed, 4, step])
        others = [np.setdiff1d(self.siblings_of(crop), crop) for crop in anchors]
        return np.array([rng.choice(crops) for crops in others])

    def siblings_of(self, crop: int) -> np.ndarray:
        """All crops of the same image as a crop, including the crop itself, ascending."""
        crops, images = self._by_image
        own = self.images[crop]  # of the dtype of all: no copy of them
        first, stop = (np.searchsorted(images, own, side) for side in ("left", "right"))
        return crops[first:stop]

    @cached_property
    def images(self) -> np.ndarray:
        """Image id of each crop, int [M]."""
        return self.store.read("image")

    @cached_property
    def _by_image(self) -> tuple[np.ndarray, np.ndarray]:
        """All crops, sorted by their images, and these; a search for one among all crops would be slow in each step."""
        crops = np.argsort(self.images, kind="stable")
        return crops, self.images[crops]

    def crops(self, step: int) -> np.ndarray:
        """All crops of a step: anchors, neighbours and siblings, int [2B] or [3B]."""
        anchors = self.anchors(step)
        drawn = [anchors, self.neighbors(anchors, self.rng(step))]
        if self.settings.depth_pairs == "sibling":
            drawn.append(self.siblings(anchors, step))
        return np.concatenate(drawn)


@lru_cache(maxsize=2)
def _permutation(crops: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits the crops."""
    return np.random.default_rng([seed, 0, epoch]).permutation(crops)


def check_crops(neighbors: Store, settings: DrawSettings) -> None:
    """Check that there are enough crops for a batch, and enough neighbours per crop.

    Raises:
        DepthGError: there are too few crops or neighbours.
    """
    crops, kept = len(neighbors), neighbors.shape("ids")[0]
    if settings.batch > crops:
        raise DepthGError(
            f"settings: batch: {settings.batch} crops a step, but {neighbors.path} holds {crops}: "
            f"set batch to at most {crops}, or add images and index the data set again with {index_again()}"
        )
    if settings.neighbors > min(kept, crops - 1):
        raise DepthGError(
            f"settings: neighbors: ranks 1 … {settings.neighbors}, but the {crops} crops of "
            f"{neighbors.path} have {min(kept, crops - 1)} each: set neighbors to at most that"
        )


def check_siblings(neighbors: Store) -> None:
    """Check that every crop has a sibling, that is, another crop of its image.

    Raises:
        DepthGError: some image has only one crop.
    """
    if np.unique(neighbors.read("image"), return_counts=True)[1].min() < 2:
        raise DepthGError(
            "settings: depth_pairs: sibling pairs crops of one image, but images have one crop: "
            "set depth_pairs to crop, or five_crop to true for the data set"
        )
