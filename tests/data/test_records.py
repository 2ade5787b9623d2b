"""The root of a data set and what must lie there, its images.csv, and the hash of its files."""

from pathlib import Path

import pytest

from depthg.config.sections import Dataset
from depthg.data.classes import named_classes, write_classes
from depthg.data.records import (
    ImageRecord,
    check_classes,
    check_root,
    check_training_labels,
    content_hash,
    read_images,
    root_of,
)
from depthg.data.table import write_records
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
    with pytest.raises(
        DepthGError, match=r"needs the columns id, path, label, width, height: .*--force \S+images\.csv`"
    ):
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


def test_all_that_is_missing_is_named_with_what_it_is(tmp_path):
    (tmp_path / "images").mkdir()
    needs = {"images": "photographs", "labels": "ids", "classes.txt": "names"}
    dataset = Dataset(root=str(tmp_path), needs=needs)
    with pytest.raises(DepthGError, match=r"coco: missing: .*labels \(ids\); .*classes\.txt \(names\): put"):
        check_root("coco", dataset)


def test_what_is_there_passes(tmp_path):
    (tmp_path / "images").mkdir()
    check_root("a", Dataset(root=str(tmp_path), needs={"images": "photographs"}))
    check_root("demo", Dataset(kind="demo", root=str(tmp_path / "none")))


def test_a_folder_of_images_must_be_there(tmp_path):
    with pytest.raises(DepthGError, match=r"b: missing: .*none \(a folder of images.*put them there, or set"):
        check_root("b", Dataset(root=str(tmp_path / "none")))


def test_the_benchmarks_ask_for_what_their_providers_ship(cocostuff, cityscapes, potsdam):
    for kind, root in {
        "cocostuff": cocostuff,
        "cityscapes": cityscapes,
        "cityscapes19": cityscapes,
        "potsdam": potsdam,
    }.items():
        check_root(kind, Dataset(kind=kind, root=str(root)))


def test_what_is_missing_can_be_fetched(cocostuff):
    (cocostuff / "curated").rename(cocostuff / "else")
    with pytest.raises(
        DepthGError, match=r"Coarse\.txt \(COCOStuff164kCurated.*: `depthg data fetch coco` gets"
    ):
        check_root("coco", Dataset(kind="cocostuff", root=str(cocostuff)))


def test_an_archive_that_is_there_is_to_be_unpacked(cityscapes):
    (cityscapes / "gtFine").rename(cityscapes / "else")
    (cityscapes / "gtFine_trainvaltest.zip").touch()
    with pytest.raises(
        DepthGError,
        match=r"gtFine/val \(gtFine_train.*: unpack gtFine_trainvaltest\.zip with `depthg data unpack city`, or",
    ):
        check_root("city", Dataset(kind="cityscapes", root=str(cityscapes)))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Dataset:
    """A folder with a training and a validation image, of which the latter has a label."""
    for path in ("images/train/a.png", "images/val/b.png", "labels/val/b.png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    monkeypatch.chdir(tmp_path)
    return Dataset(root=str(tmp_path))


def test_missing_training_labels_are_told_before_the_images_are_indexed(folder, tmp_path):
    with pytest.raises(
        DepthGError,
        match=r"set mine: no training image has a label, .*matching: train needs some.*/labels, or",
    ):
        check_training_labels("mine", folder)
    (tmp_path / "labels/train").mkdir()
    (tmp_path / "labels/train/a.png").touch()
    check_training_labels("mine", folder)


@pytest.mark.parametrize("kind", ["folder", "demo"])
def test_what_is_indexed_says_whether_training_images_have_labels(folder, kind):
    table = Path("resources/mine/train/images.csv")
    write_records(
        table, ImageRecord, [ImageRecord(0, "a.png", "", 4, 3), ImageRecord(1, "b.png", "b_.png", 4, 3)]
    )
    check_training_labels("mine", folder.model_copy(update={"kind": kind}))
    write_records(table, ImageRecord, [ImageRecord(0, "a.png", "", 4, 3)])
    again = (
        r"labels and index the data set again with `snakemake .*--force resources/mine/train/images\.csv`, or"
    )
    with pytest.raises(DepthGError, match=f"no training image has a label, .*{again}"):
        check_training_labels("mine", folder.model_copy(update={"kind": kind}))


def test_a_benchmark_that_is_not_here_yet_passes_for_labelled(folder):
    check_training_labels("demo", Dataset(kind="demo", root="nowhere"))


def test_an_open_number_of_clusters_is_told_before_the_images_are_indexed(folder, tmp_path):
    check_classes("mine", folder)
    (tmp_path / "labels/val/b.png").unlink()
    with pytest.raises(
        DepthGError, match=r"set mine: no labels, so .* is open: set datasets: mine: settings: clusters"
    ):
        check_classes("mine", folder)
    (tmp_path / "classes.txt").write_text("sky\n")
    check_classes("mine", folder)


def test_what_is_indexed_says_whether_there_are_classes(folder):
    table = Path("resources/mine/classes.csv")
    write_classes(table, None)
    with pytest.raises(DepthGError, match="the number of clusters is open"):
        check_classes("mine", folder)
    write_classes(table, named_classes(["sky"]))
    check_classes("mine", folder)


def test_a_benchmark_that_is_not_here_yet_has_classes(folder):
    check_classes("demo", Dataset(kind="demo", root="nowhere"))
