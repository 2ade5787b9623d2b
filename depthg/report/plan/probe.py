"""Speed of this machine: the slowest stages, each timed for about a second on random data.

The data have the shapes of the experiment; neither weights nor images are needed.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import faiss
import numpy as np
import torch

from depthg.config.sections import Backbone
from depthg.config.settings import GeometrySettings, Settings, TrainSettings
from depthg.evaluation.crf import refine
from depthg.models.adam import AdamW, Group
from depthg.models.backbones import DenseBackbone
from depthg.models.checkpoint import Model
from depthg.models.precision import choose_precision
from depthg.runtime.device import device
from depthg.stages.features import dense_features
from depthg.stages.geometry import make_geometry
from depthg.stages.pipeline import BATCH
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs
from depthg.training.objective import OBJECTIVES

MIN_SECONDS = 1.0  # duration of each measurement
SEARCH_VECTORS, QUERIES = 20_000, 256  # vectors searched, and queries timed
CLUSTERS = 27  # size of a codebook


def seconds_per_call(work: Callable[[], object]) -> float:
    """Mean seconds per call of `work` over at least `MIN_SECONDS`, after one call to warm up."""
    work()
    start, calls = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < MIN_SECONDS or not calls:
        work()
        calls += 1
    return spent / calls


def backbone_seconds(spec: Backbone, name: str, side: int) -> float:
    """Seconds per crop of a side in pixels for the backbone `name`."""
    backbone = DenseBackbone(spec, name, untrained=True).to(device())
    crops = BATCH if device().type == "cuda" else 1  # a CPU is as fast with one
    images = torch.randint(256, (crops, side, side, 3), dtype=torch.uint8, device=device())
    backbone.in_precision(choose_precision(device(), spec.precision))
    return seconds_per_call(lambda: dense_features(backbone, images).cpu()) / crops


def search_seconds(rows: int, channels: int, keep: int) -> float:
    """Seconds to search the `keep` nearest neighbours of each of `rows` vectors among all of them."""
    vectors = np.random.default_rng(0).normal(size=(min(rows, SEARCH_VECTORS), channels)).astype(np.float32)
    index = faiss.IndexFlatIP(channels)
    index.add(vectors)
    pairs = len(vectors) * min(len(vectors), QUERIES)
    return seconds_per_call(lambda: index.search(vectors[:QUERIES], keep)) * rows**2 / pairs


def crf_seconds(side: int, classes: int) -> float:
    """Seconds of the CRF per map of an image of a side in pixels."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    probabilities = rng.dirichlet(np.ones(classes), (side, side)).transpose(2, 0, 1)
    return seconds_per_call(lambda: refine(image, probabilities))


def training_seconds(
    settings: Settings, shape: tuple[int, int, int], geometry: GeometrySettings
) -> tuple[float, float]:
    """Seconds per training step, and seconds of the geometry stage per crop (0 if the experiment reads none).

    `shape` is that of the tokens of a crop (h, w, C).
    """
    own = settings.slice(TrainSettings)
    with TemporaryDirectory() as folder:
        root, spent = Path(folder), 0.0
        crops = _write_stores(root, own, shape)
        if own.needs_geometry:
            start = time.perf_counter()
            make_geometry(root / "depth.zarr", root / "features.zarr", root / "geometry.zarr", geometry)
            spent = (time.perf_counter() - start) / crops
        stores = {name: root / f"{name}.zarr" for name in ("geometry", "attention", "view", "mean")}
        inputs = open_inputs(root / "features.zarr", root / "neighbors.zarr", own, **stores)
        model = Model(own, inputs.channels, CLUSTERS if own.codebook else None, inputs.mean_token).to(
            device()
        )
        objective, batches = OBJECTIVES[own.objective](model, inputs, 0), Batches(inputs, own, 0, device())
        optimizer = AdamW(Group(list(model.parameters()), own.learning_rate))

        def step() -> None:
            optimizer.zero_grad()
            loss = objective(batches(0).to(device()), 0)["total"]
            loss.backward()
            optimizer.step()
            loss.item()  # waits for the GPU

        return seconds_per_call(step), spent


def _write_stores(root: Path, settings: TrainSettings, shape: tuple[int, int, int]) -> int:
    """Write random stores of the crops that one batch needs, two per image; returns the number of crops."""
    rng, (h, w, channels) = np.random.default_rng(0), shape
    crops = max(settings.batch, settings.neighbors + 1)
    crops += crops % 2
    tokens = rng.normal(size=(crops, h, w, channels)).astype(np.float16)
    features = _write(root / "features.zarr", {"crops": "random", "weights": "none"}, tokens=tokens)
    if settings.needs_view:
        _write(root / "view.zarr", {"crops": "random", "weights": "none"}, tokens=tokens)
    ids = np.stack([rng.permutation(crops)[: settings.neighbors] for _ in range(crops)]).astype(np.int32)
    provenance = {"features": features.fingerprint}
    _write(root / "neighbors.zarr", provenance, ids=ids, image=np.arange(crops, dtype=np.int32) // 2)
    if settings.needs_geometry:
        _write(root / "depth.zarr", {"crops": "random"}, depth=rng.random((crops, h, w)).astype(np.float16))
    if settings.tokens == "centred":
        _write(root / "mean.zarr", provenance, mean=np.zeros((1, channels), np.float32))
    if settings.lhp == "attention":
        near = (np.arange(h * w)[:, None] + np.arange(9)).astype(np.uint16) % (h * w)
        mixture = {"neighbors": np.tile(near, (crops, 1, 1)), "weights": np.full((crops, h * w, 9), 0.1)}
        if settings.mixing == "released":
            mixture = {"attention": rng.random((crops, h * w, h * w)).astype(np.float16)}
        _write(root / "attention.zarr", provenance, **mixture)
    return crops


def _write(path: Path, provenance: dict, **values: np.ndarray) -> Store:
    arrays = {name: Array(value.shape[1:], str(value.dtype), False) for name, value in values.items()}
    rows = len(next(iter(values.values())))
    writer = Writer(path, rows, arrays, provenance)
    writer.write(range(rows), **values)
    writer.finish()
    return Store(path)
