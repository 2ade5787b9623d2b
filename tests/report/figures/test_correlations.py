import dataclasses
import json

import matplotlib.image
import numpy as np
import pytest

from depthg.cli.tools import figure_correlations
from depthg.config.settings import Term, TrainSettings
from depthg.report.figures.correlations import PULLED, PUSHED, draw_correlations, pulled_share, term_values
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer
from depthg.training.inputs import Inputs


def store(path, provenance=None, **arrays) -> Store:
    rows = len(next(iter(arrays.values())))
    layout = {name: Array(value.shape[1:], str(value.dtype)) for name, value in arrays.items()}
    writer = Writer(path, rows, layout, provenance or {})
    writer.write(range(rows), **arrays)
    writer.finish()
    return Store(path)


@pytest.fixture
def inputs(tmp_path) -> Inputs:
    """Crops of two kinds of tokens, three quarters of one and a quarter of the other, at right angles."""
    tokens = np.zeros((6, 4, 4, 2), np.float16)
    tokens[:, :3, :, 0] = tokens[:, 3, :, 1] = 1
    ids = ((np.arange(6)[:, None] + [1, 2]) % 6).astype(np.int32)
    features = store(tmp_path / "f.zarr", tokens=tokens)
    neighbors = store(tmp_path / "n.zarr", {"features": features.fingerprint}, ids=ids)
    return Inputs(features, neighbors)


SETTINGS = TrainSettings(
    sampling="full",
    batch=4,
    neighbors=2,
    negatives=2,
    centring=False,
    terms={"self": Term(weight=1, shift=0.5), "random": Term(weight=1, shift=1.5)},
)


def test_share_of_pairs_that_are_pulled_together(inputs):
    found = term_values(inputs, SETTINGS)
    assert {name: shift for name, (shift, _) in found.items()} == {"self": 0.5, "random": 1.5}
    shares = {name: pulled_share(values, shift) for name, (shift, values) in found.items()}
    assert shares == {"self": pytest.approx(0.75**2 + 0.25**2), "random": 0}


def test_the_figure_has_both_colours_only_where_there_are_both(inputs, tmp_path, capsys):
    draw_correlations(inputs, SETTINGS, tmp_path / "out.png")
    picture = (matplotlib.image.imread(tmp_path / "out.png")[..., :3] * 255).round().astype(int)
    halves = np.array_split(picture, 2, axis=1)
    for color, expected in ((PULLED, [True, False]), (PUSHED, [True, True])):
        rgb = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
        assert [bool((half == rgb).all(-1).any()) for half in halves] == expected
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["self"]["pulled"] == 0.625 and found["random"]["shift"] == 1.5
    assert len(found["self"]["edges"]) == len(found["self"]["shares"]) + 1
    assert sum(found["self"]["shares"]) == pytest.approx(1, abs=1e-4)
    assert "self: pulls 62.5% of pairs together" in capsys.readouterr().out


def test_of_centred_tokens_the_pairs_are_centred(inputs, tmp_path):
    """Centred, the tokens of three quarters and of one quarter lie on opposite sides: cosines are 1 and −1."""
    mean = store(tmp_path / "m.zarr", mean=np.array([[0.75, 0.25]], np.float32))
    centred = dataclasses.replace(inputs, mean=mean)
    _, values = term_values(centred, SETTINGS.model_copy(update={"tokens": "centred"}))["self"]
    assert set(values.round(5).tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize(
    "changes", [{"lhp": "attention"}, {"lhp": "depth"}, {"objective": "hidden_positives"}]
)
def test_the_command_needs_no_store_of_mixed_codes_or_views(inputs, tmp_path, changes):
    whole, *others = (SETTINGS.model_copy(update=own) for own in ({}, changes))
    histograms = []
    for settings in (whole, *others):
        out = tmp_path / "out.png"
        figure_correlations(inputs.features.path, inputs.neighbors.path, settings, out)
        histograms.append((tmp_path / "out.json").read_bytes())
    assert histograms[0] == histograms[1]
