"""The stores that training reads, opened and checked against the settings before the first step."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from depthg.errors import DepthGError
from depthg.geometry import CAMERAS
from depthg.settings import GeometrySettings, TrainSettings
from depthg.store import Store
from depthg.tokens import TokenStore


@dataclass(frozen=True)
class Inputs:
    """The stores of one set of crops; those that may be None only where the settings need them.

    Attributes:
        features: tokens of all crops.
        neighbors: their nearest crops.
        geometry: depth, farthest-point order, nearest tokens in space.
        attention: nearest tokens by attention.
        view: tokens of a photometric view of all crops.
    """

    features: Store
    neighbors: Store
    geometry: Store | None = None
    attention: Store | None = None
    view: Store | None = None

    @property
    def crops(self) -> int:
        """M."""
        return len(self.features)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens (h, w)."""
        h, w = self.features.array("tokens").shape[1:3]
        return h, w

    @property
    def tokens(self) -> int:
        """P, tokens of a crop."""
        return self.grid[0] * self.grid[1]

    @property
    def channels(self) -> int:
        """C, of the backbone."""
        return self.features.array("tokens").shape[-1]

    @property
    def required_geometry(self) -> Store:
        """The geometry store.

        Raises:
            DepthGError: none was given.
        """
        if self.geometry is None:
            raise DepthGError("training: sampling, depth_loss or lhp needs depth: give --geometry")
        return self.geometry

    @cached_property
    def camera(self) -> GeometrySettings:
        """How the points of the geometry were made."""
        return GeometrySettings(**self.required_geometry.made_from["settings"])

    def places(self, rows: np.ndarray) -> Tensor:
        """Depth and point (d, x, y, z) of all tokens of crops, float32 [B, h, w, 4]."""
        depth = torch.from_numpy(self.required_geometry.read("depth", rows)).float()
        points = CAMERAS[self.camera.camera].unproject(depth, self.camera).view(*depth.shape, 3)
        return torch.cat([depth[..., None], points], dim=-1)

    @cached_property
    def images(self) -> np.ndarray:
        """The image that each crop is part of, int [M]."""
        return self.neighbors.read("image")

    def siblings(self, crop: int) -> np.ndarray:
        """All crops of a crop's image, itself included, ascending."""
        return np.flatnonzero(self.images == self.images[crop])

    def mixture(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Nearest tokens int64 [B, P, k] of all tokens of crops, and how much each counts, float32."""
        store = self.attention or self.required_geometry
        ids, weights = (torch.from_numpy(store.read(name, rows)) for name in ("neighbors", "weights"))
        return ids.long(), weights.float()

    @property
    def fingerprints(self) -> dict[str, str]:
        """What each store was made from, as a hash."""
        return {name: store.fingerprint for name, store in vars(self).items() if isinstance(store, Store)}


def open_inputs(features: Path, neighbors: Path, settings: TrainSettings, **others: Path | None) -> Inputs:
    """Open the stores that the settings need.

    Args:
        features: store with `tokens`.
        neighbors: store made from it.
        settings: of the training.
        **others: `geometry`, `attention`, `view`; made from it, too.

    Raises:
        DepthGError: one is missing or made from other features, or the settings ask for more than they hold.
    """
    tokens = TokenStore(features)
    needed = {
        "geometry": settings.needs_geometry,
        "attention": settings.lhp == "attention",
        "view": settings.needs_view,
    }
    optional = {}
    for name, need in needed.items():
        path = others.get(name)
        if need and path is None:
            raise DepthGError(f"training: these settings need the {name} store: give --{name}")
        if need and path is not None:
            optional[name] = TokenStore(path) if name == "view" else Store(path)
    for name in optional.keys() - {"view"}:
        optional[name].expect(features=tokens)
    if "view" in optional:
        _check_view(tokens, optional["view"])
    inputs = Inputs(tokens, Store(neighbors).expect(features=tokens), **optional)
    if settings.steps:
        _check_crops(inputs, settings)
        _check_samples(inputs, settings)
    return inputs


def _check_view(tokens: Store, view: Store) -> None:
    """The view is of the same crops, by the same backbone."""
    if any(view.made_from.get(part) != tokens.made_from.get(part) for part in ("crops", "weights")):
        raise DepthGError(f"{tokens.path} and {view.path} are of other crops or backbones: make both again")


def _check_crops(inputs: Inputs, settings: TrainSettings) -> None:
    """There are crops enough for a batch and for the neighbours of each."""
    crops, kept = inputs.crops, inputs.neighbors.array("ids").shape[1]
    if settings.batch > crops:
        raise DepthGError(
            f"settings: batch: {settings.batch} crops a step, but {inputs.features.path} holds {crops}: "
            f"set batch to at most {crops}, or add images"
        )
    if settings.neighbors > min(kept, crops - 1):
        raise DepthGError(
            f"settings: neighbors: ranks 1 … {settings.neighbors}, but the {crops} crops of "
            f"{inputs.neighbors.path} have {min(kept, crops - 1)} each: set neighbors to at most that"
        )
    if settings.depth_loss != "none" and settings.depth_pairs == "sibling":
        alone = np.unique(inputs.images, return_counts=True)[1].min() < 2
        if alone:
            raise DepthGError(
                "settings: depth_pairs: sibling pairs crops of one image, but images have one crop: "
                "set depth_pairs to crop, or five_crop to true for the data set"
            )


def _check_samples(inputs: Inputs, settings: TrainSettings) -> None:
    """There are tokens enough in a crop, and in its farthest-point order, for N² samples."""
    wanted, limits = settings.samples**2, {"random": inputs.tokens}
    if settings.needs_geometry:
        limits["fps"] = inputs.required_geometry.array("order").shape[1]
    limit = limits.get(settings.sampling, wanted)
    if wanted > limit:
        raise DepthGError(
            f"settings: samples: {settings.samples}² tokens of a crop, but {settings.sampling} has {limit}: "
            f"set samples to at most {int(limit**0.5)}"
        )
    if settings.tokens_at == "transposed" and inputs.grid[0] != inputs.grid[1]:
        raise DepthGError(f"settings: tokens_at: transposed needs as many rows as columns, not {inputs.grid}")
