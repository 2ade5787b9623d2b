"""Blocks of scores from counts worked out by hand."""

import numpy as np
import pytest

from depthg.config.settings import EvaluateSettings
from depthg.data.classes import Classes
from depthg.evaluation.metrics import majority, match
from depthg.evaluation.scores import BLOCKS, ConfusionCounts

CLASSES = Classes(("road", "sky"), ((0, 0, 0),) * 2, ("",) * 2)
VALIDATION = np.array([[4, 0], [1, 3], [0, 2]])
TRAINING = np.array([[9, 0], [2, 1], [0, 5]])  # cluster 2 is the sky, where validation says cluster 1


def counted(validation, training=None, surplus="wrong") -> ConfusionCounts:
    """Counts of an image in which each cluster has so many pixels of each class."""
    found = ConfusionCounts(len(validation), CLASSES, True, surplus, training)
    cells = [cell for cell, n in np.ndenumerate(validation) for _ in range(n)]
    clusters, labels = np.array(cells, np.uint16).T
    found.add({"unsupervised": clusters, "unsupervised_crf": clusters}, labels)
    return found


def test_one_to_one_and_many_to_one_by_either_labels():
    counts = counted(VALIDATION, TRAINING)
    assert counts.block("unsupervised")["accuracy"] == 70  # 0 road, 1 sky: 4 + 3 of 10
    assert counts.block("train_matched")["accuracy"] == 60  # 0 road, 2 sky: 4 + 2
    assert counts.block("many_to_one")["accuracy"] == 90  # 0 road, 1 and 2 sky: 4 + 3 + 2
    voted = counts.block("train_many_to_one")  # 0 and 1 road, 2 sky: 4 + 1 + 2
    assert voted["accuracy"] == 70
    assert voted["per_class"] == {"road": 62.5, "sky": 40}  # 5 of 5 and 3 of the sky; 2 of 5
    assert voted["miou"] == 51.25


def test_the_same_training_counts_serve_before_and_after_the_crf():
    counts = counted(VALIDATION, TRAINING)
    refined = np.array([0, 0, 1, 2, 2], np.uint16)
    counts.add({"unsupervised_crf": refined}, np.array([0, 0, 0, 1, 1], np.uint16))
    for kind in ("train_matched", "train_many_to_one"):
        assert np.array_equal(counts.matching(kind), counts.matching(f"{kind}_crf"))
    assert counts.block("train_matched_crf")["accuracy"] == pytest.approx(100 * 10 / 15, abs=1e-4)


def test_surplus_clusters_left_out_are_left_out_one_to_one_only():
    strict, lax = (counted(VALIDATION, TRAINING, surplus) for surplus in ("wrong", "left_out"))
    assert lax.block("unsupervised")["accuracy"] == 87.5  # of the 8 pixels of clusters 0 and 1, 4 + 3
    assert (
        lax.block("train_matched")["accuracy"] == 87.5
    )  # the counts of training's cluster 2 are left out, too
    for kind in ("many_to_one", "train_many_to_one"):
        assert lax.block(kind) == strict.block(kind)


def test_clusters_that_are_all_surplus_have_a_score_by_majority():
    counts = counted(np.array([[0, 0], [0, 0], [1, 2]]), surplus="left_out")
    report = counts.report(EvaluateSettings(crf=False), images=1)
    assert report["unsupervised"] is None
    assert report["reasons"]["unsupervised"] == "every labelled pixel is in a surplus cluster"
    assert report["many_to_one"]["accuracy"] == pytest.approx(100 * 2 / 3, abs=1e-4)


def test_blocks_by_training_labels_are_there_where_they_are_wanted():
    settings = EvaluateSettings()
    with_training, without = (counted(VALIDATION, by).report(settings, 1) for by in (TRAINING, None))
    assert list(with_training)[: len(BLOCKS)] == list(BLOCKS)
    assert {name for name in BLOCKS if name not in without} == {
        *("train_matched", "train_matched_crf", "train_many_to_one", "train_many_to_one_crf")
    }
    assert with_training.items() >= without.items()


def test_the_names_say_how_clusters_get_their_classes():
    for name, block in BLOCKS.items():
        assert name.endswith("_crf") == block.maps.endswith("_crf")
        assert name.startswith("train") == (block.by == "train")
        assert name.startswith("linear") == block.maps.startswith("linear")
        expected = majority if "many_to_one" in name else match
        assert name.startswith("linear") or block.classes_of is expected
