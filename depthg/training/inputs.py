"""The stores that training reads, opened and checked against the settings before the first step."""

from dataclasses import dataclass
from pathlib import Path

from depthg.config import TrainSettings
from depthg.errors import DepthGError
from depthg.store import Store
from depthg.training.cached import CachedStore


@dataclass(frozen=True)
class Inputs:
    """The stores of one set of crops; `geometry` only where the settings need it."""

    features: Store
    neighbors: Store
    geometry: Store | None

    @property
    def crops(self) -> int:
        """M."""
        return len(self.features)

    @property
    def tokens(self) -> int:
        """P, tokens of a crop."""
        h, w = self.features.array("tokens").shape[1:3]
        return h * w

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

    @property
    def fingerprints(self) -> dict[str, str]:
        """What each store was made from, as a hash."""
        stores = {"features": self.features, "neighbors": self.neighbors, "geometry": self.geometry}
        return {name: store.fingerprint for name, store in stores.items() if store is not None}


def open_inputs(features: Path, neighbors: Path, geometry: Path | None, settings: TrainSettings) -> Inputs:
    """Open the stores.

    Raises:
        DepthGError: one is missing or made from other features, or the settings ask for more than they hold.
    """
    tokens = CachedStore(features)
    places = CachedStore(geometry).expect(features=tokens) if geometry and settings.needs_geometry else None
    inputs = Inputs(tokens, CachedStore(neighbors).expect(features=tokens), places)
    if settings.steps:
        _check_crops(inputs, settings)
        _check_samples(inputs, settings)
    return inputs


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
