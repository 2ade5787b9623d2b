"""Records of finished rows against sets of rows."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthg.store.resume import (
    finished_ranges,
    mark_all_finished,
    mark_finished,
    mark_unfinished,
    unfinished_ranges,
)

ROWS = 30
RANGES = st.tuples(st.integers(0, ROWS), st.integers(0, ROWS)).map(lambda ends: range(min(ends), max(ends)))


def rows_of(ranges):
    return {row for rows in ranges for row in rows}


@pytest.fixture(scope="module")
def noted(tmp_path_factory):
    """Make a folder with records of ranges, of which a later one replaces an earlier one of the same first row."""

    def note(ranges):
        folder = tmp_path_factory.mktemp("noted")
        for rows in ranges:
            mark_finished(folder, rows)
        return folder, rows_of({rows.start: rows for rows in ranges}.values())

    return note


def test_the_first_rows_have_a_record_of_their_own_name(tmp_path):
    mark_finished(tmp_path, range(0, 7))
    mark_finished(tmp_path, range(20, 24))
    found = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert found == {"progress.json": {"rows": 7}, "progress.20.json": {"rows": 24}}
    assert finished_ranges(tmp_path) == [range(0, 7), range(20, 24)]


@settings(max_examples=50)
@given(ranges=st.lists(RANGES, max_size=5), rows=RANGES)
def test_what_is_unfinished_is_all_but_what_is_finished(noted, ranges, rows):
    folder, done = noted(ranges)
    gaps = list(unfinished_ranges(folder, rows))
    assert [row for gap in gaps for row in gap] == sorted({*rows} - done)
    assert all(gaps) and all(one.stop <= other.start for one, other in pairwise(gaps))


@settings(max_examples=50)
@given(ranges=st.lists(RANGES, max_size=5), rows=RANGES)
def test_rows_that_are_taken_out_are_unfinished_and_no_others(noted, ranges, rows):
    folder, done = noted(ranges)
    mark_unfinished(folder, rows)
    assert rows_of(finished_ranges(folder)) == done - {*rows}


def test_a_whole_store_has_one_record(tmp_path):
    for rows in (range(0, 4), range(10, 20), range(4, 10)):
        mark_finished(tmp_path, rows)
    mark_all_finished(tmp_path, 20)
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]
    assert finished_ranges(tmp_path) == [range(20)]
