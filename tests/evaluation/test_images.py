"""What single images keep, and which of them are the worst."""

import numpy as np
import pytest

from depthg.evaluation.images import ImagePredictions, lowest
from depthg.evaluation.predict import Prediction
from depthg.store.reader import Store


def shown(crop, clusters, label, refined=None):
    maps = {"unsupervised": np.array([clusters], np.uint16), "linear": np.zeros((1, 4), np.uint16)}
    if refined is not None:
        maps["unsupervised_crf"] = np.array([refined], np.uint16)
    return Prediction(crop, np.zeros((1, 4, 3), np.uint8), np.array([label], np.uint16), maps)


def test_accuracy_of_single_images_under_the_common_matching():
    images = ImagePredictions(clusters=3, classes=2)
    images.add(shown(0, [0, 0, 1, 2], [1, 1, 0, 0]))  # the unmatched cluster 2 is wrong
    images.add(shown(1, [0, 1, 1, 0], [1, 255, 1, 255]))  # of two labelled pixels, one
    images.add(shown(2, [0, 0, 0, 0], [255, 255, 255, 255]))
    accuracies = images.accuracies(np.array([1, 0, -1]))
    assert accuracies[:2].tolist() == [75, 50] and np.isnan(accuracies[2])


def test_refined_clusters_count_where_there_are_any():
    images = ImagePredictions(2, 2)
    images.add(shown(0, [0, 0, 0, 0], [1, 1, 0, 0], refined=[0, 0, 1, 1]))
    assert images.accuracies(np.array([1, 0])).tolist() == [100]


def test_predictions_come_back_as_they_were(planted):
    crops, images = Store(planted.crops("val")), ImagePredictions(300, 3)
    clusters = planted.rng.integers(300, size=(planted.side, planted.side)).astype(np.uint16)
    labels = crops.read("labels", [2])[0]
    images.add(Prediction(2, np.zeros_like(labels), labels, {"unsupervised": clusters}))
    again = images.prediction(2, crops)
    assert np.array_equal(again.maps["unsupervised"], clusters)
    assert np.array_equal(again.image, crops.read("images", [2])[0])


@pytest.mark.parametrize(("count", "worst"), [(2, [3, 0]), (9, [3, 0, 1]), (0, [])])
def test_the_worst_come_first_and_unlabelled_never(count, worst):
    assert lowest(np.array([20, 90, np.nan, 10]), count) == worst
