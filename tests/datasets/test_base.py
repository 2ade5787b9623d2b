"""The CSV files of a data set, its root, and the colours of its classes."""

from pathlib import Path

import pytest

from depthg.config import Dataset
from depthg.datasets.base import (
    ClassRecord,
    ImageRecord,
    content_hash,
    named_classes,
    read_classes,
    read_images,
    root_of,
    write_records,
)
from depthg.errors import DepthGError


def test_images_survive_a_round_trip(tmp_path):
    records = [ImageRecord(0, 'a, "b".jpg', "", 4, 3), ImageRecord(1, "ü/c.png", "ü/c_.png", 5, 6)]
    path = tmp_path / "train" / "images.csv"
    write_records(path, ImageRecord, records)
    assert path.read_text(encoding="utf-8").splitlines()[0] == "id,path,label,width,height"
    assert read_images(path) == records
    assert [file.name for file in path.parent.iterdir()] == ["images.csv"]


def test_no_classes_leave_a_header_only(tmp_path):
    write_records(tmp_path / "classes.csv", ClassRecord, [])
    assert (tmp_path / "classes.csv").read_text() == "id,name,red,green,blue\n"
    assert read_classes(tmp_path / "classes.csv") == []


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DepthGError, match=r"nothing\.csv: No such file"):
        read_images(tmp_path / "nothing.csv")


@pytest.mark.parametrize("text", ["id,name\n0,sky\n", "id,name,red,green,blue\n0,sky,red,0,0\n"])
def test_a_table_of_another_kind_is_named(tmp_path, text):
    (tmp_path / "classes.csv").write_text(text)
    with pytest.raises(DepthGError, match=r"classes\.csv: needs the columns id, name, red, green, blue"):
        read_classes(tmp_path / "classes.csv")


def test_class_colours_are_distinct_and_do_not_change():
    first, many = named_classes(["sky", "road"]), named_classes([str(place) for place in range(60)])
    assert [(one.id, one.name) for one in first] == [(0, "sky"), (1, "road")]
    colors = [(one.red, one.green, one.blue) for one in many]
    assert len(set(colors)) == 60
    assert colors[:2] == [(one.red, one.green, one.blue) for one in first]
    assert all(0 <= channel <= 255 for color in colors for channel in color)


def test_root_is_the_users_or_a_place_of_ours():
    assert root_of("mine", Dataset(root="photos/mine")) == Path("photos/mine")
    assert root_of("mine", Dataset()) == Path("resources/mine/source")


def test_content_hash_sees_content_only(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("a")
    assert content_hash([one]) == content_hash([two])
    two.write_text("b")
    assert content_hash([one]) != content_hash([two])
