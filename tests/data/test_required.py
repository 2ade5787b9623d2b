"""What a data set needs is asked for before anything runs."""

import pytest

from depthg.data.required import check_root
from depthg.config.sections import Dataset
from depthg.errors import DepthGError


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
