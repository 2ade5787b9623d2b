"""Losses, kernels, samplers and probes in float32 and bfloat16 against float64, on random and on degenerate inputs."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from depthg.config.settings import GeometrySettings, Term
from depthg.evaluation.clustering import fit_centroids
from depthg.evaluation.crf import refine
from depthg.evaluation.guided import guided_mean
from depthg.evaluation.linear import Linear, linear_loss, sample_pixels
from depthg.evaluation.probes import Probes
from depthg.losses.correlation import centre, correlation, correlation_loss, unit
from depthg.losses.depth import KERNELS, NORMS
from depthg.losses.hidden_positives import (
    PositiveCriterion,
    consistency_loss,
    hidden_positive_losses,
    nearest,
)
from depthg.losses.terms import UnitVectors, feature_targets, term_losses, weighted_sum
from depthg.models.centring import Centring
from depthg.models.codebook import Codebook
from depthg.stages.attention import attention_weights, neighborhood
from depthg.stages.camera import CAMERAS
from depthg.stages.components import principal_axes
from depthg.stages.geometry import farthest_point_order, make_geometry, nearest_tokens, pool_depth
from depthg.stages.neighbors import drop_channels
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.store.writer import Writer
from depthg.training.batch import mix
from depthg.training.inputs import Inputs
from depthg.training.lhp import mixing_weights, released_by_attention, released_by_distance
from depthg.training.sampling import DEPTH_AT, SAMPLERS, corners

CROPS, GRID, CHANNELS = 2, (3, 3), 4
TOKENS = GRID[0] * GRID[1]


def random(crops: int = CROPS, tokens: int = TOKENS) -> np.ndarray:
    return np.random.default_rng(0).random((crops, tokens, CHANNELS))


# What tokens, codes and places (d, x, y, z) may be, float64 [B, P, 4].
INPUTS = {
    "random": random(),
    "one image": random(crops=1),
    "equal tokens": np.broadcast_to(random()[:, :1], (CROPS, TOKENS, CHANNELS)).copy(),
    "all equal": np.full((CROPS, TOKENS, CHANNELS), 0.25),
    "zero vectors": np.zeros((CROPS, TOKENS, CHANNELS)),
    "some zero vectors": random() * (np.arange(TOKENS) % 2)[:, None],
    "opposite": random() * np.where(np.arange(TOKENS) % 2, 1, -1)[:, None],
    "tiny": 1e-12 * random(),
    "huge": 1e6 * random(),
}


def distilled(tokens: Tensor) -> Tensor:
    """The correlation loss of tokens that are features and codes at once."""
    found = correlation(unit(tokens), unit(tokens))
    return correlation_loss(found, centre(found.detach()), 0.1)


def summed(tokens: Tensor) -> Tensor:
    """All terms of the loss, with tokens as features and codes, and the crop after each as its neighbour."""
    terms = {name: Term(weight=1 + place, shift=0.1) for place, name in enumerate(("self", "knn", "random"))}
    codes, rolls = UnitVectors(tokens, tokens.roll(1, 0)), [1] * (len(tokens) > 1)
    terms = terms if rolls else {name: terms[name] for name in ("self", "knn")}
    seen = UnitVectors(tokens.detach(), tokens.detach().roll(1, 0))
    targets = {name: feature_targets(name, seen, rolls, True) for name in terms}
    return weighted_sum(terms, term_losses(terms, codes, targets, rolls)) / 6


def contrasted(tokens: Tensor) -> Tensor:
    """The hidden-positive loss with tokens as features, codes and embeddings."""
    embedded = unit(tokens).flatten(0, 1)
    seen = embedded.detach()
    criterion = PositiveCriterion(seen, nearest(seen, seen[:3]) - 0.5)
    kept = torch.ones(TOKENS, len(seen), dtype=torch.bool)
    return hidden_positive_losses(embedded[None], criterion, criterion, kept, 0.5, 0.2)


def online(tokens: Tensor) -> Tensor:
    torch.manual_seed(0)
    return Codebook(3, CHANNELS).to(tokens.dtype).loss(tokens)


def probed(tokens: Tensor, classes: int = 3, void: bool = False) -> Tensor:
    """The loss of a linear probe of three classes on labels of so many, or of none."""
    labels = np.arange(len(tokens) * 36, dtype=np.uint16).reshape(-1, 6, 6) % classes
    labels = np.full_like(labels, 255) if void else labels
    pixels = sample_pixels(labels, np.random.default_rng(0))
    pixels = pixels._replace(weights=pixels.weights.to(tokens.dtype))
    weight = torch.linspace(-1, 1, 3 * CHANNELS, dtype=tokens.dtype).view(3, CHANNELS)
    return linear_loss(Linear(weight, weight[:, 0]), tokens, pixels, GRID, (6, 6))


def smoothed(tokens: Tensor) -> Tensor:
    values = tokens[0].T.unflatten(1, GRID)
    return guided_mean(values, unit(values)[:3], 1)


def placed(tokens: Tensor) -> Tensor:
    """Tokens read between tokens, at places that are the same for all inputs."""
    places = torch.linspace(0, 2, 2 * len(tokens) * 5, dtype=torch.float64).view(len(tokens), 5, 2)
    ids, weights = corners(places, GRID)
    return mix(tokens, ids, weights.to(tokens.dtype))


def mixed(tokens: Tensor) -> Tensor:
    """Tokens mixed with their neighbours, those behind them in the row."""
    ids = torch.stack([torch.arange(TOKENS).roll(-step) for step in range(3)], -1).expand(len(tokens), -1, -1)
    weights = tokens[..., :3].abs() + 0.1
    return mix(tokens, *mixing_weights(ids, weights, torch.arange(TOKENS).expand(len(tokens), -1)))


def clustered(tokens: Tensor, clusters: int = 3) -> Tensor:
    centroids = torch.eye(CHANNELS, dtype=tokens.dtype)[:clusters]
    return Probes(centroids, None).logits(tokens)["unsupervised"].softmax(-1)


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "correlation": distilled,
    "terms": summed,
    "hidden positives": contrasted,
    "consistency": lambda tokens: consistency_loss(unit(tokens)[0], unit(tokens)[-1].roll(1, 0)),
    "codebook": online,
    "linear probe": probed,
    "linear probe of one class": lambda tokens: probed(tokens, classes=1),
    "linear probe without labels": lambda tokens: probed(tokens, void=True),
}
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    **{f"kernel {name}": lambda x, kernel=kernel: kernel(x, x, 0.1) for name, kernel in KERNELS.items()},
    "centred": lambda tokens: Centring(torch.full((CHANNELS,), 0.1, dtype=tokens.dtype))(tokens),
    "pooled depth": lambda places: pool_depth(places, (3, 2)),
    **{
        f"camera {name}": lambda places, camera=camera: camera.unproject(places, GeometrySettings())
        for name, camera in CAMERAS.items()
    },
    "depth at tokens": lambda places: DEPTH_AT["samples"](
        places.unflatten(1, GRID), torch.tensor([[0, 4]] * len(places))
    ),
    "depth between tokens": lambda places: DEPTH_AT["grid"](
        places.unflatten(1, GRID), torch.zeros(len(places), 4, dtype=torch.int64)
    ),
    **{f"norm {name}": norm for name, norm in NORMS.items()},
    "read between tokens": placed,
    "mixed codes": mixed,
    "cluster probe": clustered,
    "cluster probe of one cluster": lambda tokens: clustered(tokens, 1),
    "guided mean": smoothed,
}
PRECISION = {
    torch.float32: 2e-5,
    torch.bfloat16: 0.06,
}  # error against the largest value; bfloat16 has 8 bits


def assert_close(found: Tensor, exact: Tensor, precision: float, least: float) -> None:
    scale = max(float(exact.abs().max()), least)
    error = float((found.double() - exact).abs().max()) / scale
    assert found.isfinite().all() and error < precision, f"{error:.2g} of {scale:.2g}"


@pytest.mark.parametrize("dtype", PRECISION, ids=str)
@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", [*LOSSES, *FUNCTIONS])
def test_low_precision_is_close_to_float64(name, kind, dtype):
    function = (LOSSES | FUNCTIONS)[name]
    given = torch.from_numpy(INPUTS[kind]).to(dtype)
    least = 0.3 if name in LOSSES else 1e-30  # losses are of unit vectors, whatever the length of the tokens
    exact = function(given.double()).detach()
    assert_close(function(given).detach(), exact, PRECISION[dtype], least)


@pytest.mark.parametrize("dtype", [*PRECISION, torch.float64], ids=str)
@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite(name, kind, dtype):
    given = torch.from_numpy(INPUTS[kind]).to(dtype).requires_grad_()
    LOSSES[name](given).sum().backward()
    assert given.grad is not None and given.grad.isfinite().all()


@pytest.mark.parametrize("kind", INPUTS)
def test_farthest_points_are_distinct_and_farthest(kind):
    points = torch.from_numpy(INPUTS[kind])[..., 1:]
    order = farthest_point_order(points.float(), TOKENS, torch.zeros(len(points), 1, dtype=torch.int64))
    assert (order.sort(1).values == torch.arange(TOKENS)).all()
    scale = max(float(points.abs().max()), 1e-30)
    for cloud, places in zip(points / scale, order, strict=True):
        apart = torch.cdist(cloud, cloud)
        for n in range(1, TOKENS):
            away = apart[:, places[:n]].min(1).values
            assert away[places[n]] >= away.max() - 1e-5


@pytest.mark.parametrize("kind", INPUTS)
def test_nearest_tokens_weigh_one_together(kind):
    ids, weights = nearest_tokens(torch.from_numpy(INPUTS[kind])[..., 1:].float(), 4)
    assert (ids[..., 0] == torch.arange(TOKENS)).all()
    assert all(len(set(row)) == 4 for row in ids.flatten(0, 1).tolist())
    torch.testing.assert_close(weights.sum(-1), torch.ones(ids.shape[:2]))


@pytest.mark.parametrize("clusters", [1, 3, TOKENS])
@pytest.mark.parametrize("kind", INPUTS)
def test_centroids_are_unit_vectors_or_nothing(kind, clusters):
    codes = unit(torch.from_numpy(INPUTS[kind])).flatten(0, 1).float().numpy()
    lengths = np.linalg.norm(fit_centroids(codes, clusters, 2, 0), axis=1)
    empty = np.isclose(lengths, 0)
    assert np.allclose(lengths[~empty], 1, atol=1e-5)
    assert not empty.any() or (np.linalg.norm(codes, axis=1) == 0).any()


@pytest.mark.parametrize("kind", INPUTS)
def test_axes_are_orthonormal(kind):
    axes, kept = principal_axes(torch.from_numpy(INPUTS[kind]).flatten(0, 1), 2)
    torch.testing.assert_close(axes.T @ axes, torch.eye(2))
    assert 0 <= kept <= 1 + 1e-9


def test_a_dropped_vector_stays_finite():
    assert np.isfinite(drop_channels(np.eye(4, dtype=np.float32), 0.9)).all()


@pytest.mark.parametrize("colour", [0, 255])
@pytest.mark.parametrize("classes", [1, 3])
def test_the_crf_of_one_colour_keeps_what_is_sure(colour, classes):
    image = np.full((6, 7, 3), colour, np.uint8)
    shares = np.zeros((classes, 6, 7), np.float32)
    shares[0] = 1  # a certainty: the logarithm of the others is infinite
    refined = refine(image, shares)
    assert np.isfinite(refined).all() and (refined.argmax(0) == 0).all()


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("weigh", [released_by_distance, released_by_attention])
def test_released_mixing_weights_are_shares_of_all_tokens(kind, weigh):
    tokens = torch.from_numpy(INPUTS[kind]).float()
    weights = weigh(torch.cdist(tokens, tokens))
    assert weights.isfinite().all() and (weights >= 0).all() and (weights <= 1 / TOKENS + 1e-6).all()


@pytest.mark.parametrize("kind", INPUTS)
def test_some_neighbour_has_a_weight_by_attention_and_padding_has_none(kind):
    tokens = torch.from_numpy(INPUTS[kind]).float()[0]
    ids, inside = map(torch.from_numpy, neighborhood(GRID))
    weights = attention_weights(tokens @ tokens.T, ids, inside, GRID[0])
    assert weights.isfinite().all() and (weights >= 0).all()
    assert weights.any(1).all() and not weights[~inside].any()


DEPTHS = {
    "random": np.random.default_rng(0).random((2, 6, 6)),
    "constant": np.full((2, 6, 6), 0.4),
    "all near": np.zeros((2, 6, 6)),
    "all far": np.ones((2, 6, 6)),
    "one image": np.random.default_rng(0).random((1, 6, 6)),
    "a step": np.broadcast_to(np.arange(6) > 2, (2, 6, 6)).astype(float),
}


@pytest.fixture(scope="module", params=DEPTHS)
def inputs(request, tmp_path_factory) -> Inputs:
    """The stores of crops with depth of some kind, and tokens that are all equal."""
    root, maps = tmp_path_factory.mktemp("depth"), DEPTHS[request.param]
    written = {
        "depth": ({"depth": maps}, {}),
        "features": ({"tokens": np.ones((len(maps), *GRID, 2))}, {}),
    }
    for name, (values, made_from) in written.items():
        arrays = {key: Array(value.shape[1:], "float16", compress=False) for key, value in values.items()}
        writer = Writer(root / f"{name}.zarr", len(maps), arrays, made_from)
        writer.write(range(len(maps)), **values)
        writer.finish()
    settings = GeometrySettings(order_length=TOKENS, lhp_neighbors=4)
    make_geometry(root / "depth.zarr", root / "features.zarr", root / "geometry.zarr", settings)
    return Inputs(
        TokenStore(root / "features.zarr"), Store(root / "depth.zarr"), Store(root / "geometry.zarr")
    )


@pytest.mark.parametrize("count", [1, 4, TOKENS])
@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_are_distinct_and_in_the_crop_whatever_the_depth(inputs, name, count):
    rows = np.arange(len(inputs.features))
    at = SAMPLERS[name](inputs, rows, count, np.random.default_rng(0))
    if at.dtype.kind == "f":
        assert at.shape == (len(rows), count, 2)
        assert (at >= 0).all() and (at <= np.array(GRID) - 1).all()
    else:
        assert at.shape == (len(rows), TOKENS if name == "full" else count)
        assert all({*row} <= {*range(TOKENS)} and len({*row}) == len(row) for row in at.tolist())


def test_neighbours_in_space_weigh_one_whatever_the_depth(inputs):
    ids, weights = inputs.neighbor_weights(np.arange(len(inputs.features)))
    torch.testing.assert_close(weights.sum(-1), torch.ones(ids.shape[:2]), atol=4e-3, rtol=0)
    assert all(len({*row}) == 4 for row in ids.flatten(0, 1).tolist())
    points = inputs.positions(np.arange(len(inputs.features)))
    assert points.isfinite().all()
