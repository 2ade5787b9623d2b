"""Growth of the cost of stages with images, crops, tokens and samples, each at three sizes."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import Growth, Work, alternate
from benchmarks.mixing import mixing
from benchmarks.neighbors import searching
from benchmarks.points import geometry
from benchmarks.stores import CROPS_AN_IMAGE, Stores, write_stores
from benchmarks.training import LHP, PRODUCT, training
from benchmarks.vit import forward_of
from depthg.config.settings import TrainSettings

SIDES = (14, 20, 28)  # of the grid of tokens
SAMPLES = (7, 9, 11)  # N
ROUNDS = 2
STEPS = 6
SHORT, SHORT_LHP = (whole.model_copy(update={"steps": STEPS}) for whole in (PRODUCT, LHP))


def measured(root: Path) -> list[Growth]:
    """Growth of every stage."""
    return [
        _grown("features", "crops", (1, 2, 4), forward_of),
        _grown("features", "tokens", SIDES, lambda side: forward_of(1, 8 * side), square=True),
        _grown("geometry", "crops", (32, 64, 128), lambda crops: _geometry(root, crops, 28)),
        _grown("geometry", "tokens", SIDES, lambda side: _geometry(root, 32, side), square=True),
        _grown("neighbours", "crops", (2_000, 4_000, 8_000), lambda crops: searching(crops, crops)),
        _over_images(root),
        *_steps(root, f"{STEPS} training steps", SHORT),
        *_steps(root, f"{STEPS} training steps, 3D-LHP", SHORT_LHP),
        _grown("mixing", "crops", (8, 16, 32), mixing),
        _grown("mixing", "tokens", SIDES, lambda side: mixing(8, (side, side)), square=True),
        _grown("mixing", "N", SAMPLES, lambda n: mixing(8, samples=n**2)),
    ]


def _grown(
    stage: str, over: str, sizes: Sequence[int], make: Callable[[int], Work], square: bool = False
) -> Growth:
    """Time a stage at all sizes in alternation; with `square`, sizes are sides and their squares are counted."""
    works = {str(size): make(size) for size in sizes}
    costs = alternate(works, ROUNDS)
    counted = tuple(float(size**2 if square else size) for size in sizes)
    return Growth(stage, over, counted, tuple(costs[str(size)].seconds for size in sizes))


def _geometry(root: Path, crops: int, side: int) -> Work:
    path = root / f"geometry_{crops}_{side}"
    stores = Stores(path) if path.exists() else write_stores(path, crops, (side, side), channels=8)
    return lambda: geometry(stores)


def _over_images(root: Path) -> Growth:
    """Growth of training over the number of images, on which the time of a step should not depend."""

    def make(images: int) -> Work:
        stores = write_stores(root / f"images_{images}", CROPS_AN_IMAGE * images, (14, 14), patch=1)
        return lambda: training(stores, SHORT)

    return _grown(f"{STEPS} training steps", "images", (16, 64, 256), make)


def _steps(root: Path, stage: str, settings: TrainSettings) -> list[Growth]:
    """Growth of training over tokens per crop and over samples."""

    def stores(side: int) -> Stores:
        path = root / f"tokens_{side}"
        return Stores(path) if path.exists() else write_stores(path, 64, (side, side), patch=1)

    def of_side(side: int) -> Work:
        made = stores(side)
        return lambda: training(made, settings)

    def of_samples(samples: int) -> Work:
        made, own = stores(28), settings.model_copy(update={"samples": samples})
        return lambda: training(made, own)

    return [
        _grown(stage, "tokens", SIDES, of_side, square=True),
        _grown(stage, "N", SAMPLES, of_samples),
    ]
