"""What the benchmarks hold the stages against does the same as they do."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmarks import straightforward
from benchmarks.stores import depth_maps, write_stores
from depthg.config.settings import GeometrySettings, TrainSettings
from depthg.evaluation.linear import Linear
from depthg.evaluation.predict import upsample
from depthg.evaluation.probes import Probes
from depthg.models.checkpoint import Model
from depthg.stages.camera import central_token, unproject
from depthg.stages.geometry import farthest_point_order, nearest_tokens
from depthg.store.reader import Store
from depthg.training.batch import mix
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs
from depthg.training.lhp import mixing_weights
from depthg.training.objective import Correlation

GRID = (6, 7)


@pytest.fixture
def points():
    """Points of three crops, float64 [3, 42, 3]."""
    return unproject(depth_maps(3, GRID).double(), GeometrySettings())


def test_farthest_points_come_in_the_same_order(points):
    start = central_token(points)
    order = farthest_point_order(points, 30, start)
    for cloud, first, expected in zip(points.numpy(), start[:, 0].tolist(), order.numpy(), strict=True):
        np.testing.assert_array_equal(straightforward.farthest_points(cloud, 30, first), expected)


def test_mixed_codes_and_their_gradient_are_the_same(points):
    codes = torch.randn(3, 42, 5, dtype=torch.float64, requires_grad=True)
    near, weights = nearest_tokens(points, 8)
    at = torch.arange(42).expand(3, 42)
    ours = mix(codes, *mixing_weights(near, weights.double(), at))
    dense = [straightforward.neighbor_weights(cloud, 8) for cloud in points]
    theirs = torch.stack([straightforward.mix(code, w) for code, w in zip(codes, dense, strict=True)])
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)  # our weights come in float32
    gradients = [torch.autograd.grad(mixed.square().sum(), codes)[0] for mixed in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-6, rtol=1e-6)


def test_bilinear_reads_at_tokens_are_the_tokens():
    maps, at = torch.randn(2, 42, 3, dtype=torch.float64), torch.tensor([[0, 41, 20], [6, 7, 8]])
    expected = torch.stack([maps[0, at[0]], maps[1, at[1]]])
    torch.testing.assert_close(straightforward.sample(maps, at, GRID), expected)


@pytest.mark.parametrize("lhp", ["none", "depth"])
@pytest.mark.parametrize("centring", [True, False])
def test_steps_have_the_same_loss_and_gradient(tmp_path, lhp, centring):
    settings = TrainSettings(
        **{"sampling": "fps", "depth_loss": "product", "lhp": lhp, "centring": centring, "dropout": 0.0},
        **{"code_dim": 5, "batch": 4, "samples": 3, "negatives": 2, "neighbors": 3},
    )
    stores = write_stores(tmp_path, 8, GRID, channels=6, patch=1)
    inputs = open_inputs(stores.features, stores.neighbors, settings, geometry=stores.geometry)
    torch.manual_seed(0)
    model = Model(settings, inputs.channels)
    batches = Batches(inputs, settings, seed=0)
    anchors, batch = batches.draws.anchors(0), batches(0).to(torch.device("cpu"))
    neighbors = batches.draws.neighbors(anchors, np.random.default_rng([0, 1, 0]))
    step = straightforward.TrainingStep(inputs, Store(stores.depth), model)
    losses = Correlation(model)(batch, 0)["total"], step.loss(anchors, neighbors, batch.rolls)
    torch.testing.assert_close(*losses, rtol=1e-3, atol=1e-5)  # the store keeps weights in float16
    ours, theirs = (torch.autograd.grad(loss, list(model.parameters())) for loss in losses)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-4)


def test_nearest_vectors_are_those_of_the_whole_product():
    vectors = torch.randn(50, 8, dtype=torch.float64)
    products, ids = straightforward.nearest_vectors(vectors[:20], vectors, 5, chunk=7)
    expected = (vectors[:20] @ vectors.T).topk(5)
    torch.testing.assert_close(products, expected.values)
    assert torch.equal(ids, expected.indices)


def test_enlarging_codes_or_logits_is_the_same_to_the_linear_probe():
    codes, linear = torch.randn(42, 5), Linear(torch.randn(3, 5), torch.randn(3))
    probes = Probes(functional.normalize(torch.randn(4, 5), dim=1), linear)
    logits = probes.logits(codes[None])
    _, theirs = straightforward.pixel_logits(codes, GRID, 56, probes.centroids, linear)
    torch.testing.assert_close(upsample(logits["linear"][0], GRID, (56, 56)), theirs, atol=1e-5, rtol=1e-5)


def test_at_tokens_the_cluster_probe_sees_the_same_codes():
    codes, linear = torch.randn(42, 5), Linear(torch.randn(3, 5), torch.randn(3))
    probes = Probes(functional.normalize(torch.randn(4, 5), dim=1), linear)
    theirs, _ = straightforward.pixel_logits(codes[:36], (6, 6), 6, probes.centroids, linear)
    ours = upsample(probes.logits(codes[None, :36])["unsupervised"][0], (6, 6), (6, 6))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
