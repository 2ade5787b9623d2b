"""`preset: released` against what the authors' functions answer to random inputs, kept in a file beside the checkout.

PEER_VALUES names another file of the same form. Shapes, shifts of the batch and numbers of samples are the file's; B
crops are the anchors, their `_pos` the neighbours.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from depthg.config import load_config
from depthg.config.settings import EvaluateSettings, TrainSettings
from depthg.evaluation.codes import CodeReader
from depthg.evaluation.predict import ENLARGED
from depthg.evaluation.probes import Probes
from depthg.stages.camera import CAMERAS
from depthg.stages.geometry import make_geometry, pool_depth
from depthg.stages.mirrored import mirror
from depthg.training.batch import mix
from depthg.training.batches import Batches
from depthg.training.inputs import open_inputs
from depthg.training.lhp import MIXINGS
from depthg.training.objective import Correlation
from depthg.training.sampling import corners

from .conftest import write

ROOT = Path(__file__).parents[2]
FILE = ROOT / os.environ.get("PEER_VALUES", "../shared/reference/peer_values.npz")
CONFIG = load_config(ROOT / "config.yaml")

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE}: no such file: set PEER_VALUES")


@pytest.fixture(scope="module")
def peer() -> dict[str, np.ndarray]:
    with np.load(FILE) as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def released(peer) -> TrainSettings:
    """The settings of `ours_3dlhp` by the released preset, with the batch and the samples of the file."""
    own = CONFIG.resolve("cocostuff_released", "ours_3dlhp").slice(TrainSettings)
    update = {"batch": len(peer["codes"]), "samples": peer["coords"].shape[1], "sample_schedule": "constant"}
    return own.model_copy(update=update | {"negatives": len(peer["negatives"]), "selection": "last"})


def camera():
    settings = CONFIG.geometries[CONFIG.resolve("cocostuff_released").geometry]
    return settings, CAMERAS[settings.camera]


def pooled(peer, name: str) -> Tensor:
    """Depth of the file at token resolution, float32 [B, h, w]."""
    return pool_depth(torch.from_numpy(peer[name])[:, 0], peer["codes"].shape[2:])


def flat(values: np.ndarray) -> Tensor:
    """Maps [B, C, h, w] as tokens [B, P, C]."""
    return torch.from_numpy(values).flatten(2).transpose(1, 2)


@pytest.fixture(scope="module")
def inputs(peer, released, tmp_path_factory):
    """Stores of the file's crops, anchors before neighbours: tokens are features, then codes."""
    root, both = tmp_path_factory.mktemp("peer"), ("", "_pos")
    parts = [np.concatenate([peer[name + end] for end in both]) for name in ("features", "codes")]
    tokens = np.moveaxis(np.concatenate(parts, axis=1), 1, -1).copy()
    depth = np.concatenate([peer["depth" + end][:, 0] for end in both])
    source = write(root / "features.zarr", {}, tokens=tokens)
    ids = np.tile(np.arange(released.neighbors, dtype=np.int32), (len(tokens), 1))
    image = np.arange(len(tokens), dtype=np.int32)
    write(root / "neighbors.zarr", {"features": source.fingerprint}, ids=ids, image=image)
    write(root / "depth.zarr", {}, depth=depth)
    shape = {"order_length": released.samples**2, "lhp_neighbors": 1}
    settings = camera()[0].model_copy(update=shape)
    make_geometry(root / "depth.zarr", root / "features.zarr", root / "geometry.zarr", settings)
    own = released.model_copy(update={"neighbors": 1})
    return open_inputs(root / "features.zarr", root / "neighbors.zarr", own, geometry=root / "geometry.zarr")


def test_points(peer):
    settings, projection = camera()
    found = projection.unproject(pooled(peer, "depth"), settings)
    torch.testing.assert_close(found, torch.from_numpy(peer["points"]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("end", ["", "_pos"])
def test_farthest_points(peer, inputs, end):
    """Theirs are (row / h, column / w) · 2 − 1, in raster order."""
    size, count = np.array(peer["codes"].shape[2:]), len(peer["codes"])
    places = ((peer["coords" + end] + 1) / 2 * size).round().astype(int).reshape(count, -1, 2)
    order = inputs.required_geometry.read("order").reshape(2, count, -1)[1 if end else 0]
    np.testing.assert_array_equal(np.sort(order, axis=1), np.sort(places[..., 0] * size[1] + places[..., 1]))


@dataclass
class Peer:
    """In place of a model: tokens are the file's features, then its codes."""

    settings: TrainSettings
    channels: int
    projection: None = None
    codebook: None = None

    def prepared(self, tokens: Tensor) -> Tensor:
        return tokens

    def dropout(self, tokens: Tensor) -> Tensor:
        return tokens[..., : self.channels]

    def head(self, tokens: Tensor) -> Tensor:
        return tokens[..., self.channels :]


@pytest.fixture
def losses(peer, released, inputs, monkeypatch):
    count = len(peer["codes"])
    batches = Batches(inputs, released, 0)
    monkeypatch.setattr(batches.draws, "anchors", lambda step: np.arange(count))
    monkeypatch.setattr(batches.draws, "neighbors", lambda anchors, rng: anchors + count)
    monkeypatch.setattr(batches, "_rolls", lambda rng: peer["negatives"].tolist())
    model = Peer(released, peer["features"].shape[1])
    return Correlation(model)(batches(0).to(torch.device("cpu")), 0)


@pytest.mark.parametrize("term", ["self", "knn", "random", "depth"])
def test_losses(peer, losses, term):
    assert losses[term].item() == pytest.approx(peer[f"loss_{term}"].item(), rel=1e-5, abs=1e-6)


def test_reads_at_random_places(peer):
    """Theirs are (x, y) in −1 … 1, and place (i, j) is the read (j, i)."""
    h, w = peer["features"].shape[2:]
    x, y = torch.from_numpy(peer["random_places"]).double().transpose(1, 2).flatten(1, 2).unbind(-1)
    places = torch.stack([(y + 1) / 2 * (h - 1), (x + 1) / 2 * (w - 1)], dim=-1)
    found = mix(flat(peer["features"]), *corners(places, (h, w)))
    torch.testing.assert_close(found, flat(peer["random_reads"]), rtol=1e-4, atol=1e-5)


@dataclass
class Maps:
    """In place of the stores: depth or attention of the file, unrounded."""

    camera: tuple
    depth: Tensor
    attention: Tensor | None

    def positions(self, rows: np.ndarray) -> Tensor:
        settings, projection = self.camera
        points = projection.unproject(self.depth, settings).view(*self.depth.shape, 3)
        return torch.cat([self.depth[..., None], points], dim=-1)

    def attention_maps(self, rows: np.ndarray) -> Tensor:
        return self.attention


def mixed(peer, released, attention: Tensor | None) -> Tensor:
    """Mixed codes of all tokens, float [B, P, Q]."""
    codes = flat(peer["codes"])
    at = torch.arange(codes.shape[1]).expand(len(codes), -1)
    maps = Maps(camera(), pooled(peer, "depth"), attention)
    return mix(codes, *MIXINGS[released.mixing](maps, np.arange(len(codes)), at, True))


def largest_share(peer) -> float:
    """What one token of weight 1 contributes to a mixed code at most."""
    return float(np.abs(peer["codes"]).max()) / np.prod(peer["codes"].shape[2:])


def test_codes_mixed_by_depth(peer, released):
    """Distances by matrix products in single precision are off by about 0.1 % of the largest, for both."""
    found, expected = mixed(peer, released, None), flat(peer["lhp_depth"])
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-3 * largest_share(peer))


def test_codes_mixed_by_attention(peer, released):
    """The file's attention is rounded to half precision, their answer is not: a row may leave out another token."""
    attention = torch.from_numpy(peer["attention"])[:, :, 1:, 1:].mean(1)  # without the class token
    half = np.array_equal(peer["attention"].astype(np.float16), peer["attention"])
    low, high = attention.aminmax(dim=-1, keepdim=True)
    # both ends of the scale and the value itself are off by half a step of 2⁻¹⁰
    rounding = (3 * 2**-11 if half else 1e-6) * high / (high - low)
    scaled = ((attention - low) / (high - low)).sort(-1).values
    cut = int(0.99 * (scaled.shape[-1] - 1))
    clear = scaled[..., cut + 1 : cut + 2] - scaled[..., cut : cut + 1] > 2 * rounding
    assert clear.float().mean() > 0.5
    off = (mixed(peer, released, attention) - flat(peer["lhp_attention"])).abs()
    limit = rounding * flat(peer["codes"]).abs().mean(1, keepdim=True) + 1e-6
    assert (off <= limit + torch.where(clear, 0.0, 2 * largest_share(peer))).all()


def test_cluster_probabilities_of_flipped_and_enlarged_codes(peer, tmp_path):
    """Their codes of the mirror image are not yet mirrored back."""
    own = CONFIG.resolve("cocostuff_released", "ours").slice(EvaluateSettings)
    assert own.flip
    maps = [torch.from_numpy(np.moveaxis(peer[name], 1, -1)) for name in ("codes", "codes_flipped")]
    tokens = {"features": maps[0], "mirrored": mirror(maps[1])}
    stores = [write(tmp_path / name, {}, tokens=value.numpy()) for name, value in tokens.items()]
    reader = CodeReader(stores[0], lambda codes: codes, mirrored=stores[1])
    probes = Probes(torch.nn.functional.normalize(torch.from_numpy(peer["centroids"]), dim=1), None)
    expected = torch.from_numpy(peer["cluster_log_probs"])
    codes = reader.codes(range(len(expected)))
    logits = ENLARGED[own.enlarged](
        probes, codes, reader.grid, np.zeros((len(codes), *expected.shape[2:], 3), np.uint8)
    )
    found = torch.stack([of_crop["unsupervised"].log_softmax(dim=0) for of_crop in logits])
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)
