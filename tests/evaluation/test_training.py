"""Counts of training crops, by which clusters get their classes."""

import numpy as np
import pytest

from depthg.config.settings import ClusterSettings
from depthg.errors import DepthGError
from depthg.evaluation import training
from depthg.evaluation.codes import open_reader, open_split
from depthg.evaluation.predict import upsample
from depthg.evaluation.probes import Probes, fit_probes, load_probes
from depthg.evaluation.training import TrainingSplit, count_training, sample_crops


@pytest.fixture
def split(planted) -> TrainingSplit:
    return TrainingSplit(planted.features("train"), planted.crops("train"))


@pytest.fixture
def probes(planted, split) -> Probes:
    """Five clusters and a linear probe."""
    path, settings = planted.root / "probes.safetensors", ClusterSettings(clusters=5, linear_steps=2)
    fit_probes(*split, planted.classes, planted.model, path, settings, 0)
    return load_probes(path)


def test_counts_are_those_of_predictions_at_the_resolution_of_labels(planted, split, probes):
    features, crops = open_split(*split)
    reader, expected = open_reader(features, planted.model), np.zeros((5, planted.n_classes), np.int64)
    for crop in range(len(crops)):
        label = crops.read("labels", [crop])[0]
        logits = probes.logits(reader.codes([crop]))["unsupervised"][0]
        found = upsample(logits, reader.grid, label.shape).argmax(dim=0).numpy()
        for pair in zip(found[label != 255], label[label != 255], strict=True):
            expected[pair] += 1
    assert np.array_equal(count_training(split, planted.n_classes, planted.model, probes), expected)


def test_of_many_crops_a_sample_is_counted(planted, split, probes, monkeypatch):
    monkeypatch.setattr(training, "CROPS", 4)
    counts = count_training(split, planted.n_classes, planted.model, probes)
    assert counts.sum() == 4 * (planted.side - 2) * planted.side


def test_the_sample_is_all_crops_or_a_random_part_of_them(monkeypatch):
    assert sample_crops(7) == list(range(7))
    monkeypatch.setattr(training, "CROPS", 100)
    drawn = sample_crops(1000)
    assert len(set(drawn)) == 100 and drawn == sorted(drawn) == sample_crops(1000)
    assert len(np.unique(np.diff(drawn))) > 5 and max(drawn) > 900
    assert np.bincount(np.array(drawn) % 5, minlength=5).min() > 5  # of all five crops of an image


def test_training_crops_that_are_not_given(planted, probes):
    with pytest.raises(DepthGError, match="matching: train needs training crops"):
        count_training(None, planted.n_classes, planted.model, probes)


def test_no_classes_no_labels(planted, split, probes):
    with pytest.raises(DepthGError, match=r"crops\.zarr: no labelled pixel in 0 training crops"):
        count_training(split, 0, planted.model, probes)


def test_a_training_label_beyond_the_classes_is_named(planted, split, probes):
    with pytest.raises(DepthGError, match=r"train.crops\.zarr: label 2 is neither"):
        count_training(split, 2, planted.model, probes)
