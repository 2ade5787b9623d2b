"""Windows cover an image with weights that sum to 1; what is joined and enlarged in strips equals the whole at once."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.inference import windows
from depthg.inference.windows import LONGEST, enlarge, join, lay_axes, lay_axis

SIDES = st.integers(1, 40)


@given(length=st.integers(1, 200), window=st.integers(1, 30))
def test_weights_sum_to_one_everywhere(length, window):
    axis = lay_axis(length, window)
    total = torch.zeros(axis.length)
    for start, weights in zip(axis.starts, axis.weights, strict=True):
        assert (weights > 0).all()
        total[start : start + window] += weights
    torch.testing.assert_close(total, torch.ones(axis.length))
    assert axis.starts[0] == 0 and axis.starts[-1] + window == axis.length == max(length, window)
    assert all(b - a <= window // 2 + 1 for a, b in zip(axis.starts, axis.starts[1:], strict=False))


@given(height=st.integers(1, 300), width=st.integers(1, 300), cells=st.integers(2, 40))
def test_the_short_side_fills_one_window(height, width, cells):
    rows, columns = lay_axes(height, width, cells, None, 8 * cells)
    short, long = sorted((rows, columns), key=lambda axis: axis.length)
    assert short.length == cells and len(short.starts) == 1 and (short.weights == 1).all()
    ratio = min(max(height, width) / min(height, width), LONGEST)
    assert abs(long.length - ratio * cells) <= 0.5 + 1e-9


def test_at_a_scale_of_one_windows_are_cut_as_they_are():
    rows, columns = lay_axes(64, 96, 4, 1.0, 32)  # a cell is 8 pixels
    assert (rows.length, columns.length) == (8, 12)
    boxes = [columns.box(start, 96) for start in columns.starts]
    assert boxes == [(0, 32), (16, 48), (32, 64), (48, 80), (64, 96)]


def test_a_smaller_scale_than_that_of_evaluation_does_not_shrink_a_window():
    small, default = (lay_axes(64, 64, 4, scale, 32) for scale in (0.1, None))
    assert [axis.length for axis in small] == [axis.length for axis in default] == [4, 4]


@settings(max_examples=40)
@given(rows=SIDES, columns=SIDES, window=st.integers(1, 12), seed=st.integers(0, 99))
def test_windows_of_one_map_are_joined_to_that_map(rows, columns, window, seed):
    down, across = lay_axis(rows, window), lay_axis(columns, window)
    torch.manual_seed(seed)
    whole = torch.randn(3, down.length, across.length)
    cuts = (whole[:, y : y + window, x : x + window] for y in down.starts for x in across.starts)
    joined = torch.cat(list(join(down, across, cuts)), 1)
    torch.testing.assert_close(joined, whole)


def test_a_window_alone_keeps_its_values_to_the_last_bit():
    value = torch.randn(2, 7, 7)
    (alone,) = join(lay_axis(7, 7), lay_axis(7, 7), [value])
    assert torch.equal(alone, value)


@settings(max_examples=60)
@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    height=st.integers(1, 90),
    width=st.integers(1, 50),
    cut=st.integers(1, 20),
    strip=st.integers(1, 4000),
)
def test_strips_equal_the_whole_image_enlarged_at_once(rows, columns, height, width, cut, strip):
    values = torch.randn(2, rows, columns)
    before, windows.STRIP_BYTES = windows.STRIP_BYTES, strip
    try:
        strips = list(enlarge(values.split(cut, 1), rows, (height, width)))
    finally:
        windows.STRIP_BYTES = before
    whole = torch.nn.functional.interpolate(
        values[None], (height, width), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(torch.cat(strips, 1), whole[0], atol=1e-5, rtol=0)
    assert all(one.shape[1] <= max(1, strip // (2 * width * 4)) for one in strips)


def test_strips_come_as_soon_as_their_cells_are_known():
    """Of a tall image only a few rows of cells are kept at a time."""
    given = []

    def bands():
        for _ in range(50):
            given.append(None)
            yield torch.zeros(1, 2, 3)

    seen = 0
    for strip in enlarge(bands(), 100, (1000, 3)):
        seen += strip.shape[1]
        assert seen >= 20 * len(given) - 5  # a band gives 20 rows of pixels, but for half a cell
    assert seen == 1000
