"""The stores that training reads, opened and checked against the settings before the first step."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from depthg.config.settings import GeometrySettings, TrainSettings
from depthg.errors import DepthGError
from depthg.stages.camera import CAMERAS
from depthg.stages.draws import check_crops, check_siblings
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.training.memory import Memory


@dataclass(frozen=True)
class Inputs:
    """The opened stores of one set of training crops; optional stores are None unless the settings need them.

    Attributes:
        features: tokens of the crops.
        neighbors: nearest crops of all M training crops.
        geometry: depth, farthest-point order and nearest tokens in space.
        attention: neighbouring tokens weighted by attention.
        view: tokens of a photometric view of each crop.
        mean: the mean token.
        schedule: the scheduled crops; if given, all stores but `neighbors` hold only these crops.
        memory: reads the stores, and says on which device their rows are.
    """

    features: Store
    neighbors: Store
    geometry: Store | None = None
    attention: Store | None = None
    view: Store | None = None
    mean: Store | None = None
    schedule: Store | None = None
    memory: Memory = field(default_factory=Memory)

    @property
    def crops(self) -> int:
        """Number of all training crops M."""
        return len(self.neighbors)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the token grid (h, w)."""
        h, w = self.features.shape("tokens")[:2]
        return h, w

    @property
    def tokens(self) -> int:
        """Number of tokens per crop P = h · w."""
        return self.grid[0] * self.grid[1]

    @property
    def channels(self) -> int:
        """Number of channels C of the tokens."""
        return self.features.shape("tokens")[-1]

    @property
    def required_geometry(self) -> Store:
        """The geometry store.

        Raises:
            DepthGError: no geometry store was given.
        """
        if self.geometry is None:
            raise DepthGError("training: sampling, depth_loss or lhp needs depth: give --geometry")
        return self.geometry

    @cached_property
    def camera(self) -> GeometrySettings:
        """Settings from which the geometry store was made, read from its provenance."""
        return GeometrySettings(**self.required_geometry.provenance["settings"])

    @property
    def mean_token(self) -> Tensor | None:
        """The mean token float32 [C]; None for raw tokens."""
        return None if self.mean is None else torch.from_numpy(self.mean.read("mean")[0])

    def positions(self, rows: np.ndarray) -> Tensor:
        """Depth and 3D point (d, x, y, z) of every token of the crops at `rows`, float32 [B, h, w, 4]."""
        depth = self.memory.rows(self.required_geometry, "depth", rows).float()
        points = CAMERAS[self.camera.camera].unproject(depth, self.camera).view(*depth.shape, 3)
        return torch.cat([depth[..., None], points], dim=-1)

    def store_rows(self, crops: np.ndarray) -> np.ndarray:
        """Rows in the stores of crops given by their index among all M: int64 [B]; differs only with a schedule.

        Raises:
            DepthGError: a crop is not scheduled.
        """
        if self.schedule is None:
            return crops
        index = np.searchsorted(self._scheduled, crops)
        found = self._scheduled[np.minimum(index, len(self._scheduled) - 1)] == crops
        if not found.all():
            raise DepthGError(
                f"training: crop {crops[~found][0]} is not in {self.schedule.path}: it was made for other seeds or "
                "settings: list all seeds under `seeds`, or set training_crops to all"
            )
        return index

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Image of each crop at `rows` of the stores, int [B]."""
        return self.neighbors.read("image")[rows if self.schedule is None else self._scheduled[rows]]

    @cached_property
    def _scheduled(self) -> np.ndarray:
        assert self.schedule is not None
        return self.schedule.read("row")

    def neighbor_weights(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Neighbours int64 [B, P, k] of every token of the crops at `rows`, and their weights float32 [B, P, k]."""
        store = self.attention or self.required_geometry
        ids, weights = (self.memory.rows(store, name, rows) for name in ("neighbors", "weights"))
        return ids.long(), weights.float()

    def attention_maps(self, rows: np.ndarray) -> Tensor:
        """Attention between all tokens of the crops at `rows`, averaged over heads: float32 [B, P, P]."""
        assert self.attention is not None
        return self.memory.rows(self.attention, "attention", rows).float()

    @property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of each opened store, by name."""
        return {name: store.fingerprint for name, store in vars(self).items() if isinstance(store, Store)}


def open_inputs(features: Path, neighbors: Path, settings: TrainSettings, **stores: Path | None) -> Inputs:
    """Open the stores that the settings need.

    Args:
        features: store with `tokens`.
        neighbors: neighbour store of all training crops.
        settings: training settings.
        **stores: paths of `geometry`, `attention`, `view` and `mean`, and of `schedule` if the features are of
            scheduled crops.

    Raises:
        DepthGError: a store is missing or belongs to other features, or is too small for the settings.
    """
    tokens = TokenStore(features)
    needed = {
        "geometry": settings.needs_geometry,
        "attention": settings.lhp == "attention",
        "view": settings.needs_view,
        "mean": settings.tokens == "centred",
    }
    optional: dict[str, Any] = {}
    for name, need in needed.items():
        path = stores.get(name)
        if need and path is None:
            raise DepthGError(f"training: these settings need the {name} store: give --{name}")
        if need and path is not None:
            optional[name] = TokenStore(path) if name == "view" else Store(path)
    for name in optional.keys() - {"view"}:
        optional[name].expect(features=tokens)
    if "view" in optional:
        _check_view(tokens, optional["view"])
    near, schedule = Store(neighbors), stores.get("schedule")
    if schedule is None:
        near.expect(features=tokens)
    else:
        optional["schedule"] = Store(schedule).expect(neighbors=near)
        tokens.expect(crops=optional["schedule"])
    inputs = Inputs(tokens, near, **optional)
    if settings.steps:
        check_crops(near, settings)
        if settings.depth_loss != "none" and settings.depth_pairs == "sibling":
            check_siblings(near)
        _check_samples(inputs, settings)
    return inputs


def _check_view(tokens: Store, view: Store) -> None:
    """Check that the views come from the same crops and the same backbone weights."""
    if any(view.provenance.get(part) != tokens.provenance.get(part) for part in ("crops", "weights")):
        raise DepthGError(f"{tokens.path} and {view.path} are of other crops or backbones: make both again")


def _check_samples(inputs: Inputs, settings: TrainSettings) -> None:
    """Check that a crop, or its stored farthest-point order, has enough tokens for N² samples."""
    count, limits = settings.samples**2, {"random": inputs.tokens}
    if settings.needs_geometry:
        limits["fps"] = inputs.required_geometry.shape("order")[0]
    limit = limits.get(settings.sampling, count)
    if count > limit:
        raise DepthGError(
            f"settings: samples: {settings.samples}² tokens of a crop, but {settings.sampling} has {limit}: "
            f"set samples to at most {int(limit**0.5)}"
        )
    if settings.between_tokens and min(inputs.grid) < 2:
        raise DepthGError(f"settings: reads: between tokens needs two rows and columns, not {inputs.grid}")
    if settings.tokens_at == "transposed" and inputs.grid[0] != inputs.grid[1]:
        raise DepthGError(f"settings: tokens_at: transposed needs as many rows as columns, not {inputs.grid}")
