"""Marks are where their tokens are."""

import numpy as np

from depthg.report.figures.marks import centres, enlarge, mark_tokens, overlay_weights, top_view

YELLOW = (255, 235, 60)


def test_enlarged_pixels_keep_their_place():
    images = np.arange(2 * 3 * 5 * 3, dtype=np.uint8).reshape(2, 3, 5, 3)
    large = enlarge(images)
    assert large.shape == (2, 12, 20, 3) and np.array_equal(large[:, 2::4, 2::4], images)


def test_centres_of_tokens():
    assert centres(np.array([0, 5]), (2, 4), (20, 80)).tolist() == [[10, 5], [30, 15]]


def test_just_the_tokens_asked_for_are_marked():
    images = np.full((1, 80, 80, 3), 90, np.uint8)
    marked = mark_tokens(images, np.array([[1, 6]]), (4, 4), YELLOW)[0]
    cells = marked.reshape(4, 20, 4, 20, 3).transpose(0, 2, 1, 3, 4).reshape(16, 400, 3)
    assert np.flatnonzero((cells == YELLOW).all(-1).any(-1)).tolist() == [1, 6]
    assert np.flatnonzero((cells != 90).any((1, 2))).tolist() == [1, 6]
    assert (cells[1] == 0).all(-1).any()  # the rim
    assert (images == 90).all()


def test_glow_is_brightest_at_the_largest_weight_and_dims_where_there_is_none():
    images = np.full((1, 8, 8, 3), 200, np.uint8)
    weights = np.zeros((1, 2, 2))
    weights[0, 0, 1], weights[0, 1, 0] = 0.5, 0.1
    picture = overlay_weights(images, weights)[0]
    assert (picture[:4, :4] == 90).all() and (picture[4:, 4:] == 90).all()
    brightest, faint = picture[0, 7].astype(int), picture[7, 0].astype(int)
    assert brightest.max() > 230 and np.abs(faint - 90).sum() < np.abs(brightest - 90).sum()
    assert (overlay_weights(images, np.zeros((1, 2, 2))) == 90).all()


def test_glow_is_on_its_token_where_tokens_divide_no_side():
    weights = np.zeros((1, 3, 3))
    weights[0, 1, 2] = 1
    glowing = (overlay_weights(np.zeros((1, 10, 10, 3), np.uint8), weights)[0] > 0).any(-1)
    assert np.argwhere(glowing).min(0).tolist() == [4, 7] and np.argwhere(glowing).max(0).tolist() == [6, 9]


def test_from_above_far_points_are_on_top_and_left_is_left():
    points = np.array([[-1.0, 0, 1], [1, 0, 1], [0, 0, 0.1]])
    colors = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)
    picture = top_view(points, colors, np.array([2]), 200, YELLOW)
    place = {
        name: np.argwhere((picture == color).all(-1)).mean(0)
        for name, color in {"left": colors[0], "right": colors[1], "near": YELLOW}.items()
    }
    assert place["left"][1] < 20 and place["right"][1] > 180 and place["left"][0] < 20
    assert place["near"][0] > 170 and abs(place["near"][1] - 100) < 3
    assert not (picture == colors[2]).all(-1).any()  # under its mark
