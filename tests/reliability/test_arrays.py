"""Public functions of arrays give the same for read-only, strided and reversed arrays, and leave them as they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from depthg.config.settings import GeometrySettings
from depthg.data.classes import check_labels, named_classes
from depthg.evaluation.clustering import fit_centroids
from depthg.evaluation.codes import encode
from depthg.evaluation.crf import CHANNELS, refine, refine_maps
from depthg.evaluation.guided import guided_mean, token_colours
from depthg.evaluation.linear import Linear, draw_pixels, linear_loss, sample_logits, sample_pixels
from depthg.evaluation.metrics import Score, apply_matching, confusion, majority, match, score
from depthg.evaluation.predict import upsample
from depthg.evaluation.probes import Probes
from depthg.losses.correlation import centre, correlation, correlation_loss, unit
from depthg.losses.depth import KERNELS, NORMS
from depthg.losses.hidden_positives import consistency_loss, contrast, nearest, pair_weights
from depthg.models.centring import Centring
from depthg.models.codebook import Codebook
from depthg.models.heads import HEADS
from depthg.stages.attention import attention_weights, neighborhood
from depthg.stages.camera import CAMERAS
from depthg.stages.components import principal_axes
from depthg.stages.crops import cut_image, cut_label
from depthg.stages.geometry import farthest_point_order, nearest_tokens, pool_depth
from depthg.stages.neighbors import drop_channels, without_group
from depthg.stages.views import photometric_view
from depthg.training.batch import gather_tokens, mix
from depthg.training.sampling import DEPTH_AT, READS, TOKENS_AT, corners

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (8, 6, 3), dtype=np.uint8)
LABEL = RNG.choice([0, 1, 2, 255], (8, 6)).astype(np.uint16)
SHARES = RNG.dirichlet(np.ones(3), (8, 6)).transpose(2, 0, 1).astype(np.float32)
COUNTS = RNG.integers(0, 9, (4, 3))
CODES = RNG.normal(size=(2, 12, 5)).astype(np.float32)
UNITS = CODES / np.linalg.norm(CODES, axis=-1, keepdims=True)
PLACES = RNG.random((2, 12, 4)).astype(np.float32)
SQUARE = RNG.normal(size=(2, 12, 12)).astype(np.float32)
IDS = np.stack([RNG.permutation(12)[:6] for _ in range(2)])
BETWEEN = RNG.random((2, 9, 2)) * 2
GRID = (3, 4)
CLASSES = named_classes(["a", "b", "c"])
GEOMETRY = GeometrySettings()


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def head(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return HEADS[name](5, 4, 0.0).eval()


def start(points: np.ndarray) -> Tensor:
    return torch.zeros(len(points), 1, dtype=torch.int64)


def probe_logits(codes: np.ndarray, centroids: np.ndarray) -> dict[str, Tensor]:
    return Probes(torch.from_numpy(centroids), None).logits(torch.from_numpy(codes))


def probe_loss(codes: Tensor, weight: Tensor) -> Tensor:
    pixels = sample_pixels(np.stack([LABEL, LABEL]), rng())
    return linear_loss(Linear(weight, weight[:, 0]), codes, pixels, GRID, (8, 6))


# name → function of NumPy arrays, and the arrays
NUMPY: dict[str, tuple[Callable, ...]] = {
    "refine": (refine, IMAGE, SHARES),
    "refine_maps": (lambda image, shares: refine_maps(image, {"a": shares}), IMAGE, SHARES),
    **{f"channels {name}": (function, IMAGE) for name, function in CHANNELS.items()},
    "confusion": (lambda a, b: confusion(a, b, 256, 3), LABEL, LABEL),
    "match": (match, COUNTS),
    "majority": (majority, COUNTS),
    "score": (score, COUNTS, np.array([2, 0, -1, 1])),
    "apply_matching": (apply_matching, LABEL % 3, np.array([1, -1, 0])),
    "fit_centroids": (lambda codes: fit_centroids(codes, 3, 2, 0), UNITS[0]),
    "encode": (lambda tokens: encode(head("segmentation"), tokens), CODES),
    "draw_pixels": (lambda labels: draw_pixels(labels, 7, rng()), np.stack([LABEL, LABEL])),
    "sample_pixels": (lambda labels: sample_pixels(labels, rng()), np.stack([LABEL, LABEL])),
    "Classes.encode": (lambda label: CLASSES.encode(label, Path("a.png")), LABEL),
    "check_labels": (lambda label: check_labels(label, 3, "a.png"), LABEL),
    "cut_image": (lambda image: cut_image(image, (0.5, 1, 5.5, 6), 4), IMAGE),
    "cut_label": (lambda label: cut_label(label, (0.5, 1, 5.5, 6), 4), LABEL),
    "photometric_view": (lambda image: photometric_view(image, 3), IMAGE),
    "drop_channels": (lambda vectors: drop_channels(vectors, 0.2), UNITS[0]),
    "without_group": (
        lambda ids, cosines, rows, group: without_group(ids, cosines, rows, group, 3),
        IDS,
        RNG.random((2, 6)).astype(np.float32),
        np.array([0, 4]),
        np.arange(12) // 2,
    ),
    **{f"reads {name}": (lambda at, f=function: f(at, GRID), IDS) for name, function in READS.items()},
    **{f"tokens_at {name}": (lambda at, f=f: f(at, (4, 4)), BETWEEN) for name, f in TOKENS_AT.items()},
}

# name → function of tensors, and the arrays they are made of
TORCH: dict[str, tuple[Callable, ...]] = {
    "unit": (unit, CODES),
    "correlation": (correlation, UNITS, UNITS),
    "centre": (centre, SQUARE),
    "correlation_loss": (lambda a, b: correlation_loss(a, b, 0.1), SQUARE, SQUARE),
    **{f"kernel {name}": (lambda a, b, k=k: k(a, b, 0.1), PLACES, PLACES) for name, k in KERNELS.items()},
    **{f"norm {name}": (norm, PLACES) for name, norm in NORMS.items()},
    "nearest": (nearest, UNITS[0], UNITS[1]),
    "pair_weights": (lambda a, b: pair_weights(a > 0, b > 0, 0.5), SQUARE[0], SQUARE[1]),
    "contrast": (lambda a, b, c: contrast(a, b.abs(), c > -9, 0.5), SQUARE[0], SQUARE[1], SQUARE[0]),
    "consistency_loss": (consistency_loss, UNITS[0], UNITS[1]),
    "Centring": (lambda tokens, mean: Centring(mean)(tokens), CODES, CODES[0, 0]),
    "Codebook": (lambda codes: (torch.manual_seed(0), Codebook(3, 5).loss(codes))[1], CODES),
    **{f"head {name}": (lambda tokens, name=name: head(name)(tokens), CODES) for name in HEADS},
    "pool_depth": (lambda depth: pool_depth(depth, GRID), SQUARE),
    **{f"camera {n}": (lambda d, c=c: c.unproject(d, GEOMETRY), SQUARE) for n, c in CAMERAS.items()},
    **{f"start {name}": (camera.start, PLACES[..., 1:]) for name, camera in CAMERAS.items()},
    "farthest_point_order": (lambda points: farthest_point_order(points, 5, start(points)), PLACES[..., 1:]),
    "nearest_tokens": (lambda points: nearest_tokens(points, 4), PLACES[..., 1:]),
    "principal_axes": (lambda tokens: principal_axes(tokens, 3), CODES[0]),
    "attention_weights": (
        lambda logits: attention_weights(logits, *map(torch.from_numpy, neighborhood(GRID)), 3),
        SQUARE[0],
    ),
    "gather_tokens": (gather_tokens, CODES, IDS),
    "mix": (mix, CODES, IDS[:, None], RNG.random((2, 1, 6)).astype(np.float32)),
    "corners": (lambda places: corners(places, GRID), BETWEEN),
    **{
        f"depth_at {name}": (lambda maps, at, f=f: f(maps.unflatten(1, GRID), at), PLACES, BETWEEN)
        for name, f in DEPTH_AT.items()
    },
    "upsample": (lambda logits: upsample(logits, GRID, (8, 6)), CODES[0]),
    "token_colours": (lambda image: token_colours(image, (2, 3)), IMAGE),
    "guided_mean": (lambda v, c: guided_mean(v[None], c.expand(3, -1, -1), 1), SQUARE[0], SQUARE[1]),
    "Probes.logits": (
        lambda codes, centroids: Probes(centroids, Linear(centroids, centroids[:, 0])).logits(codes),
        CODES,
        UNITS[0],
    ),
    "sample_logits": (
        lambda logits, at: sample_logits(logits[:, None], at, (24, 24)),
        SQUARE,
        IDS,
    ),
    "linear_loss": (probe_loss, CODES, CODES[0, :3]),
}


def strided(array: np.ndarray) -> np.ndarray:
    """The same values, every second element of a larger array."""
    wide = np.repeat(array, 2, axis=-1)
    return wide[..., ::2]


def reordered(array: np.ndarray) -> np.ndarray:
    """The same values, axes stored in the opposite order."""
    return np.asfortranarray(array)


def read_only(array: np.ndarray) -> np.ndarray:
    """The same values in an array that refuses to be written."""
    kept = array.copy()
    kept.setflags(write=False)
    return kept


def reversed_rows(array: np.ndarray) -> np.ndarray:
    """The same values, the first axis walked backwards through memory."""
    return array[::-1].copy()[::-1]


def leaves(result: object) -> list[np.ndarray]:
    """Every array in what a function returned."""
    if isinstance(result, dict):
        return [leaf for value in result.values() for leaf in leaves(value)]
    if isinstance(result, tuple | list):
        return [leaf for value in result for leaf in leaves(value)]
    if isinstance(result, Tensor):
        return [result.detach().numpy()]
    if isinstance(result, Score):
        return leaves([result.accuracy, result.miou, *result.iou])
    return [result if isinstance(result, np.ndarray) else np.asarray(result, dtype=float)]


def assert_same(found: object, expected: object) -> None:
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lay_out", [strided, reordered, read_only, reversed_rows])
@pytest.mark.parametrize("name", NUMPY)
def test_arrays_of_any_layout(name, lay_out):
    function, *arrays = NUMPY[name]
    expected = function(*(array.copy() for array in arrays))
    given = [lay_out(array) for array in arrays]
    assert_same(function(*given), expected)
    for one, other in zip(given, arrays, strict=True):
        np.testing.assert_array_equal(one, other)  # nothing was written to it


@pytest.mark.parametrize("lay_out", [strided, reordered])
@pytest.mark.parametrize("name", TORCH)
def test_tensors_of_any_layout(name, lay_out):
    function, *arrays = TORCH[name]
    expected = function(*(torch.from_numpy(array.copy()) for array in arrays))
    given = [torch.from_numpy(lay_out(array)) for array in arrays]
    assert_same(function(*given), expected)
    for one, other in zip(given, arrays, strict=True):
        np.testing.assert_array_equal(one.numpy(), other)
