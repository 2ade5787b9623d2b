"""Places that are evenly spaced."""

import pytest

from depthg.data.spaced import evenly_spaced


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [(10, 4, [0, 3, 6, 9]), (2, 6, [0, 1]), (5, 0, []), (5, 1, [0]), (0, 3, [])],
)
def test_from_the_first_to_the_last(count, most, chosen):
    assert evenly_spaced(count, most) == chosen


def test_halves_are_rounded_where_they_lie():
    assert evenly_spaced(6, 3) == [0, 2, 5]  # 2.5 to the even number
    assert evenly_spaced(6, 3, first=3) == [3, 6, 8]  # 5.5, too
