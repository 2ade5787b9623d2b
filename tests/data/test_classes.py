"""classes.csv, the raw ids in it, and what they turn label maps into."""

from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthg.data.classes import check_labels, id_ranges, named_classes, parse_ids, read_classes, write_classes
from depthg.errors import DepthGError

HEADER = "id,name,red,green,blue,ids\n"
MERGED = named_classes(["ground", "tree"], ["0 4", "2-3"], void="1 255")


def test_raw_ids_become_classes():
    label = np.array([[0, 4, 2], [3, 1, 255]], np.uint16)
    encoded = MERGED.encode(label, Path("a.png"))
    assert encoded.dtype == np.uint16
    np.testing.assert_array_equal(encoded, [[0, 0, 1], [1, 255, 255]])


@pytest.mark.parametrize("wrong", [5, 254, 256, 65535])
def test_an_id_of_no_class_is_named_with_its_file(wrong):
    with pytest.raises(
        DepthGError, match=rf"b\.png: id {wrong} is neither of a class \(0 2-4\) nor void \(1 255\): correct"
    ):
        MERGED.encode(np.array([[0, wrong]], np.uint16), Path("b.png"))


def test_without_raw_ids_a_class_is_its_own():
    label = np.array([[0, 1, 255]], np.uint16)
    np.testing.assert_array_equal(named_classes(["sky", "road"]).encode(label, Path("a.png")), label)


def test_classes_survive_a_round_trip(tmp_path):
    write_classes(tmp_path / "classes.csv", MERGED)
    lines = (tmp_path / "classes.csv").read_text().splitlines()
    assert lines[0] == HEADER.strip() and lines[-1] == "255,void,0,0,0,1 255"
    assert read_classes(tmp_path / "classes.csv") == MERGED


def test_no_labels_leave_a_header_only(tmp_path):
    write_classes(tmp_path / "classes.csv", None)
    assert (tmp_path / "classes.csv").read_text() == HEADER
    assert len(read_classes(tmp_path / "classes.csv")) == 0


def test_raw_ids_may_be_left_out(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text('id,name,red,green,blue\n0,"road, paved",1,2,3\n1,sky,4,5,6\n')
    classes = read_classes(path)
    assert classes.names == ("road, paved", "sky")
    assert classes.colors == ((1, 2, 3), (4, 5, 6))
    assert classes.ids == ("0", "1") and classes.void == "255"


def test_a_row_may_end_before_its_raw_ids(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text(HEADER + "0,sky,1,2,3\n1,road,1,2,3,7-9\n")
    assert read_classes(path).ids == ("0", "7-9")


def test_many_raw_ids_are_compared_in_one_pass(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text(HEADER + "0,sky,1,2,3,0\n255,void,0,0,0,1-60000\n")
    started = perf_counter()
    read_classes(path)
    assert perf_counter() - started < 2  # 50 s when each was counted among all


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,red,green,blue\nroad,1,2,3\n", r"needs the columns id, name, red, green, blue: index"),
        (HEADER + "0,road,1,2,red,0\n", "needs the columns"),
        (HEADER + "1,road,1,2,3,1\n", "ids must be"),
        (HEADER + "0,road,1,2,3,0\n1,road,1,2,3,1\n", "same name"),
        (HEADER + "0,road,1,2,3,7-\n1,sky,1,2,3,a\n", "needs numbers and ranges such as '7 9-11'"),
        (HEADER + "0,road,1,2,3,7-\n", "needs numbers and ranges"),
        (HEADER + "0,road,1,2,3,9-7\n", "needs numbers and ranges"),
        (HEADER + "0,road,1,2\n", "needs the columns"),
        (HEADER + "0,road,1,2,3,65535\n", "needs numbers and ranges"),
        (HEADER + "0,road,1,2,3,0-4\n1,sky,1,2,3,4\n", "raw id 4 is listed twice"),
        (HEADER + "0,road,1,2,3,0\n255,void,0,0,0,0 255\n", "raw id 0 is listed twice"),
    ],
)
def test_malformed_tables_are_named(tmp_path, content, message):
    path = tmp_path / "classes.csv"
    path.write_text(content)
    with pytest.raises(DepthGError, match=rf"classes\.csv: .*{message}"):
        read_classes(path)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DepthGError, match="No such file"):
        read_classes(tmp_path / "classes.csv")


def test_ranges_by_hand():
    assert parse_ids("120-121 152 169") == [120, 121, 152, 169]
    assert id_ranges([169, 121, 120, 152]) == "120-121 152 169"
    assert id_ranges([]) == "" and parse_ids("") == []


@given(st.sets(st.integers(0, 65534), max_size=30))
def test_ranges_are_read_as_they_were_written(ids):
    assert set(parse_ids(id_ranges(ids))) == ids


def test_class_colours_are_distinct_and_do_not_change():
    first, many = named_classes(["sky", "road"]), named_classes([str(place) for place in range(60)])
    assert len(set(many.colors)) == 60
    assert many.colors[:2] == first.colors
    assert all(0 <= channel <= 255 for color in many.colors for channel in color)


def test_labels_are_class_ids_or_void():
    check_labels(np.array([0, 2, 255], np.uint16), 3, "here")
    with pytest.raises(DepthGError, match="here: label 3 is neither"):
        check_labels(np.array([0, 3], np.uint16), 3, "here")
