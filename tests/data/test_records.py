"""The root of a data set, its images.csv, and the hash of its files."""

from pathlib import Path

import pytest

from depthg.data.records import ImageRecord, content_hash, read_images, root_of
from depthg.data.table import write_records
from depthg.config.sections import Dataset
from depthg.errors import DepthGError


def test_images_survive_a_round_trip(tmp_path):
    records = [ImageRecord(0, 'a, "b".jpg', "", 4, 3), ImageRecord(1, "ü/c.png", "ü/c_.png", 5, 6)]
    path = tmp_path / "train" / "images.csv"
    write_records(path, ImageRecord, records)
    assert path.read_text(encoding="utf-8").splitlines()[0] == "id,path,label,width,height"
    assert read_images(path) == records
    assert [file.name for file in path.parent.iterdir()] == ["images.csv"]


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DepthGError, match=r"nothing\.csv: No such file"):
        read_images(tmp_path / "nothing.csv")


@pytest.mark.parametrize("text", ["id,path\n0,a.jpg\n", "id,path,label,width,height\n0,a.jpg,,wide,3\n"])
def test_a_table_of_another_kind_is_named(tmp_path, text):
    (tmp_path / "images.csv").write_text(text)
    with pytest.raises(DepthGError, match=r"images\.csv: needs the columns id, path, label, width, height"):
        read_images(tmp_path / "images.csv")


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
