"""A palette gives every id its own colour and name, and all others those of void."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_rgb

from depthg.report.figures.palette import VOID_COLOR, Palette

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
PALETTES = st.lists(COLOURS, min_size=1, max_size=6).map(
    lambda colors: Palette(tuple(f"class {n}" for n in range(len(colors))), tuple(colors), "void")
)
LABELS = arrays(np.uint16, (3, 4), elements=st.sampled_from([0, 1, 2, 3, 5, 6, 7, 255, 65535]))


@settings(max_examples=50)
@given(PALETTES, LABELS)
def test_every_id_has_its_colour(palette, labels):
    known = dict(enumerate(palette.colors))
    painted = palette.paint(labels)
    assert painted.dtype == np.uint8
    assert painted.tolist() == [[list(known.get(i, VOID_COLOR)) for i in row] for row in labels.tolist()]


@settings(max_examples=50)
@given(PALETTES, st.lists(LABELS, min_size=1, max_size=2))
def test_a_legend_names_what_occurs_in_the_colours_that_are_painted(palette, maps):
    found = [(patch.get_label(), patch.get_facecolor()[:3]) for patch in palette.legend(maps)]
    known = dict(zip(palette.names, palette.colors, strict=True)) | {"void": VOID_COLOR}
    occurring = {int(i) for labels in maps for i in np.unique(labels)}
    names = [name for n, name in enumerate(palette.names) if n in occurring]
    names += ["void"] if max(occurring) >= len(palette.names) else []
    expected = [(name, to_rgb(tuple(value / 255 for value in known[name]))) for name in names]
    assert [name for name, _ in found] == names
    np.testing.assert_allclose([color for _, color in found], [color for _, color in expected])
