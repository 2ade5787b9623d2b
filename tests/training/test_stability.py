import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.store.writer import Writer
from depthg.training.inputs import Inputs
from depthg.training.stability import StabilityCriterion, by_halving


def test_looks_are_at_the_end_its_middle_a_quarter():
    assert list(by_halving(1)) == [0] and list(by_halving(8)) == [0, 1, 3, 7]
    assert list(by_halving(600)) == [8, 17, 36, 74, 149, 299, 599]


class Codes(torch.nn.Module):
    """A model whose codes are told for every token."""

    def __init__(self, codes):
        super().__init__()
        self.codes = torch.nn.Parameter(codes)

    def forward(self, tokens):
        return self.codes[tokens[..., 0].long()]

    def prepared(self, tokens):
        return tokens[..., 1:]


def planted_inputs(root, kinds, images):
    """Crops [M] of 4 × 4 tokens: channel 0 the number of a token, then its kind as one of three directions."""
    count = len(kinds)
    tokens = np.concatenate([np.arange(count * 16).reshape(count, 4, 4, 1), np.eye(3)[kinds]], axis=-1)
    features = Writer(root / "features.zarr", count, {"tokens": Array((4, 4, 4), "float16")}, {})
    features.write(range(count), tokens=tokens)
    features.finish()
    arrays = {"ids": Array((1,), "int32"), "image": Array((), "int32")}
    neighbors = Writer(root / "neighbors.zarr", count, arrays, {"features": Store(features.path).fingerprint})
    neighbors.write(range(count), ids=np.zeros((count, 1)), image=images)
    neighbors.finish()
    return Inputs(TokenStore(features.path), Store(neighbors.path))


def test_stability_prefers_clusters_that_halves_agree_on_and_that_fit_the_tokens(tmp_path):
    rng = np.random.default_rng(0)
    kinds = rng.integers(3, size=(12, 4, 4))
    inputs = planted_inputs(tmp_path, kinds, np.arange(12) // 2)
    criterion = StabilityCriterion(inputs=inputs, seed=0, clusters=3)
    sure = np.eye(3)[kinds.ravel()]
    other = np.eye(3)[rng.permutation(kinds.ravel())]  # as stable, but of something else
    noise = rng.normal(size=(192, 3))
    scores = [criterion(Codes(torch.from_numpy(codes).float())) for codes in (sure, other, noise)]
    assert scores[0] == pytest.approx(1)
    assert abs(scores[1]) < 0.05 and scores[2] < 0.1
    assert criterion(Codes(torch.from_numpy(sure).float())) == scores[0]


def test_all_crops_of_an_image_are_in_one_half(tmp_path):
    images = np.repeat(np.arange(4), 3)
    inputs = planted_inputs(tmp_path, np.zeros((12, 4, 4), int), images)
    for half in StabilityCriterion(inputs=inputs, seed=1, clusters=2).splits:
        sides = half.reshape(4, -1)
        assert (sides == sides[:, :1]).all() and sides[:, 0].sum() == 2


def test_tokens_that_are_all_alike_fit_nothing(tmp_path):
    inputs = planted_inputs(tmp_path, np.zeros((4, 4, 4), int), np.arange(4))
    codes = Codes(torch.from_numpy(np.random.default_rng(0).normal(size=(64, 3))).float())
    assert StabilityCriterion(inputs=inputs, seed=0, clusters=2)(codes) == 0


@pytest.mark.parametrize(
    ("clusters", "images", "message"),
    [
        (None, np.arange(4), "set `clusters`"),
        (0, np.arange(4), "set `clusters`"),
        (2, np.zeros(4), "there is one: add images"),
    ],
)
def test_stability_needs_clusters_and_images(tmp_path, clusters, images, message):
    inputs = planted_inputs(tmp_path, np.zeros((4, 4, 4), int), images)
    with pytest.raises(DepthGError, match=message):
        StabilityCriterion(inputs=inputs, seed=0, clusters=clusters)
