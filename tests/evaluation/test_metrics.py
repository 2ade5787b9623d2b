import itertools
from collections import Counter
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.metrics import confusion_matrix

from depthg.evaluation.metrics import apply_matching, at_tokens, confusion, majority, match, score

COUNTS = arrays(
    np.int64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=4), elements=st.integers(0, 50)
)


def best_overlap(counts: np.ndarray) -> int:
    """The largest overlap of any one-to-one matching, by trying all of them."""
    if len(counts) > counts.shape[1]:
        counts = counts.T
    rows = range(len(counts))
    return max(
        sum(counts[r, c] for r, c in zip(rows, p, strict=True))
        for p in itertools.permutations(range(counts.shape[1]), len(counts))
    )


def test_confusion_agrees_with_sklearn_and_ignores_void():
    rng = np.random.default_rng(0)
    prediction, label = rng.integers(4, size=(9, 9)), rng.integers(4, size=(9, 9))
    label[0] = 255
    expected = confusion_matrix(label[1:].ravel(), prediction[1:].ravel(), labels=range(4)).T
    assert np.array_equal(confusion(prediction.astype(np.uint16), label.astype(np.uint16), 4, 4), expected)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2, 255])), max_size=40), st.integers(0, 40)
)
def test_confusion_counts_every_pixel_that_is_not_void_once(pixels, cut):
    """Pair by pair; and the counts of images add up to those of all their pixels."""
    prediction, label = np.array(pixels, np.uint16).reshape(-1, 2).T
    counts = confusion(prediction, label, 4, 3)
    known = Counter((at, of) for at, of in pixels if of != 255)
    assert counts.tolist() == [[known[at, of] for of in range(3)] for at in range(4)]
    parts = [confusion(prediction[part], label[part], 4, 3) for part in (slice(cut), slice(cut, None))]
    assert np.array_equal(sum(parts), counts)


@given(COUNTS)
def test_scores_against_sets_of_pixels(counts):
    """IoU as the intersection and union of two sets, of pixels that are made up anew."""
    counts[0, 0] += 1
    pixels = [(at, of) for at, row in enumerate(counts) for of, n in enumerate(row) for _ in range(n)]
    classes = match(counts)
    found, iou = score(counts, classes), []
    for of in range(counts.shape[1]):
        here = {i for i, (at, _) in enumerate(pixels) if classes[at] == of}
        there = {i for i, (_, truth) in enumerate(pixels) if truth == of}
        iou.append(pytest.approx(100 * len(here & there) / len(here | there)) if here | there else None)
    assert found.iou == tuple(iou)
    hits = sum(classes[at] == of for at, of in pixels)
    assert found.accuracy == pytest.approx(100 * hits / len(pixels))
    assert found.miou == pytest.approx(np.mean([value for value in found.iou if value is not None]))


def test_confusion_may_have_more_clusters_than_classes():
    counts = confusion(np.array([0, 2, 2, 1]), np.array([1, 0, 0, 255]), 3, 2)
    assert counts.tolist() == [[0, 1], [0, 0], [2, 0]]


@given(COUNTS)
def test_matching_is_the_best_of_all(counts):
    matching = match(counts)
    matched = matching >= 0
    assert counts[matched, matching[matched]].sum() == best_overlap(counts)
    assert len(set(matching[matched])) == matched.sum() == min(counts.shape)


@given(COUNTS, st.randoms(use_true_random=False))
def test_accuracy_does_not_depend_on_cluster_ids(counts, random):
    counts = counts + 1
    order = random.sample(range(len(counts)), len(counts))
    shuffled = counts[order]
    assert score(shuffled, match(shuffled)).accuracy == pytest.approx(score(counts, match(counts)).accuracy)


def test_perfect_prediction_scores_100_under_any_naming():
    label = np.array([0, 0, 1, 2, 2, 255])
    prediction = np.array([2, 2, 0, 1, 1, 0])
    counts = confusion(prediction, label, 3, 3)
    result = score(counts, match(counts))
    assert result.accuracy == result.miou == 100
    assert result.iou == (100, 100, 100)
    assert apply_matching(prediction[:5], match(counts)).tolist() == label[:5].tolist()


def test_scores_worked_by_hand():
    # Class 0: 6 pixels, 5 found; class 1: 4 pixels, 3 found; each gets the other's miss. Class 2 is nowhere.
    counts = np.array([[5, 1, 0], [1, 3, 0], [0, 0, 0]])
    result = score(counts, np.arange(3))
    assert result.accuracy == pytest.approx(80)
    assert result.iou == (pytest.approx(100 * 5 / 7), pytest.approx(100 * 3 / 5), None)
    assert result.miou == pytest.approx((100 * 5 / 7 + 60) / 2)


def test_a_class_only_in_the_prediction_counts_with_iou_zero():
    result = score(np.array([[4, 0], [2, 0]]), np.arange(2))
    assert result.iou == (pytest.approx(100 * 4 / 6), 0)
    assert result.miou == pytest.approx(100 * 2 / 6)


def test_unmatched_clusters_are_errors_and_false_positives_of_nothing():
    counts = np.array([[6, 0], [0, 3], [2, 1]])
    matching = match(counts)
    result = score(counts, matching)
    assert matching.tolist() == [0, 1, -1]
    assert result.accuracy == pytest.approx(100 * 9 / 12)
    assert result.iou == (pytest.approx(75), pytest.approx(75))  # 6/(6+2) and 3/(3+1)
    assert apply_matching(np.array([2, 0]), matching).tolist() == [255, 0]


def test_classes_without_a_cluster_have_iou_zero():
    result = score(np.array([[5, 1, 2]]), match(np.array([[5, 1, 2]])))
    assert result.iou == (pytest.approx(62.5), 0, 0)
    assert result.accuracy == pytest.approx(62.5)


def test_many_clusters_to_one_class_by_hand():
    # Clusters 0 and 1 become class 0 (5 + 3 of its 8 pixels, and 2 of class 1), cluster 2 class 1 (4 of 6).
    counts = np.array([[5, 1], [3, 1], [0, 4]])
    assert majority(counts).tolist() == [0, 0, 1]
    result = score(counts, majority(counts))
    assert result.accuracy == pytest.approx(100 * 12 / 14)
    assert result.iou == (pytest.approx(100 * 8 / 10), pytest.approx(100 * 4 / 6))
    assert score(counts, match(counts)).accuracy == pytest.approx(100 * 9 / 14)


def test_of_a_tie_the_lower_class_and_no_class_without_a_pixel():
    assert majority(np.array([[0, 2, 2], [0, 0, 0], [1, 0, 1]])).tolist() == [1, -1, 0]


@given(COUNTS)
def test_by_majority_the_accuracy_is_the_purity_and_no_less_than_one_to_one(counts):
    counts[0, 0] += 1
    pixels = [
        (cluster, of) for cluster, row in enumerate(counts) for of, n in enumerate(row) for _ in range(n)
    ]
    right = sum(
        max(Counter(of for at, of in pixels if at == cluster).values(), default=0)
        for cluster in range(len(counts))
    )
    accuracy = score(counts, majority(counts)).accuracy
    assert accuracy == pytest.approx(100 * right / len(pixels))
    assert accuracy >= score(counts, match(counts)).accuracy


@given(COUNTS)
def test_clusters_of_one_class_score_as_if_they_were_one_cluster(counts):
    counts[0, 0] += 1
    classes = counts.shape[1]
    merged = np.zeros((classes, classes), np.int64)
    for row, of in zip(counts, majority(counts), strict=True):
        if of >= 0:
            merged[of] += row
    assert score(counts, majority(counts)) == score(merged, np.arange(classes))


@given(COUNTS, st.randoms(use_true_random=False))
def test_by_majority_nothing_depends_on_cluster_ids(counts, random):
    counts[0, 0] += 1
    order = random.sample(range(len(counts)), len(counts))
    assert np.array_equal(majority(counts[order]), majority(counts)[order])
    assert score(counts[order], majority(counts[order])) == score(counts, majority(counts))


def test_a_score_does_not_change():
    with pytest.raises(FrozenInstanceError):
        score(np.eye(2, dtype=int), np.arange(2)).miou = 100.0


def test_labels_are_read_at_the_middle_of_tokens():
    labels = np.arange(36).reshape(1, 6, 6)
    np.testing.assert_array_equal(at_tokens(labels, (2, 3)), [[[7, 9, 11], [25, 27, 29]]])
