"""Criteria that need no labels, on models that are known to be good or bad."""

import numpy as np
import pytest
import torch

from benchmarks import criteria
from benchmarks.criteria import CRITERIA, by_halves, mirrored_agreement, table
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.store.writer import Writer
from depthg.training.inputs import Inputs
from depthg.training.stability import StabilityCriterion

CROPS, GRID, KINDS = 12, 4, 3


def token_store(path, tokens) -> TokenStore:
    writer = Writer(path, len(tokens), {"tokens": Array(tokens.shape[1:], "float16")}, {})
    writer.write(range(len(tokens)), tokens=tokens)
    writer.finish()
    return TokenStore(path)


class Kept(torch.nn.Identity):
    """A model whose codes are the tokens."""

    def prepared(self, tokens):
        return tokens


@pytest.fixture
def kinds():
    return np.random.default_rng(0).integers(KINDS, size=(CROPS, GRID, GRID))


def test_views_that_agree_and_views_of_other_images(tmp_path, kinds):
    own = token_store(tmp_path / "own", np.eye(KINDS)[kinds])
    other = token_store(tmp_path / "other", np.eye(KINDS)[kinds[::-1]])
    assert mirrored_agreement((own, own), Kept(), torch.eye(KINDS)) == 1
    assert abs(mirrored_agreement((own, other), Kept(), torch.eye(KINDS))) < 0.1


def test_halves_say_what_the_selection_says_and_its_parts(tmp_path, kinds):
    features = token_store(tmp_path / "features", np.eye(KINDS)[kinds])
    layout = {"ids": Array((1,), "int32"), "image": Array((), "int32")}
    writer = Writer(tmp_path / "neighbors", CROPS, layout, {"features": features.fingerprint})
    writer.write(range(CROPS), ids=np.zeros((CROPS, 1)), image=np.arange(CROPS))
    writer.finish()
    inputs = Inputs(features, Store(tmp_path / "neighbors"))
    criterion, model = StabilityCriterion(inputs, 0, KINDS), Kept()
    found = by_halves(criterion, model)
    assert found["agreement · fit²"] == criterion(model)
    assert all(value == pytest.approx(1) for value in found.values()) and found.keys() < set(CRITERIA)


def test_the_table_has_ranks_and_the_lengths_that_each_criterion_chooses():
    scores = {"a+steps=1": 20.0, "a+steps=9": 30.0, "b+steps=1+flip=true": 40.0, "b+steps=9+flip=true": 28.0}
    values = {}
    for place, name in enumerate(scores):
        values[name] = dict.fromkeys(CRITERIA, float(place)) | {
            "loss": -place,
            "short": -9 if "=9" in name else -1,
        }
    lines = table(values, scores).splitlines()
    assert lines[0].startswith("4 settings, mIoU 20.0 to 40.0.")
    assert lines[0].endswith("the best has 35.0 on average, the longest 29.0.")
    assert "| fit | +0.40 | 29.0 |" in lines  # ranks 1 2 4 3; the later of each pair
    assert "| loss | −0.40 | 30.0 |" in lines and "| short | +0.00 | 30.0 |" in lines
    assert len(lines) == 4 + len(CRITERIA)


def test_a_seed_has_its_score_in_percent(tmp_path):
    (tmp_path / "metrics.json").write_text('{"unsupervised": {"miou": 41.5}}')
    assert criteria.miou_of(tmp_path) == 41.5
