"""Getting benchmarks: from their archives, by hand, and what is left to do."""

import shutil
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from depthg.config.sections import Dataset
from depthg.data import KINDS, loader
from depthg.data.cityscapes import find
from depthg.data.fetch import fetch, unpack_all
from depthg.data.sources import source_of
from depthg.errors import DepthGError

CATALOGUE = Path(__file__).parents[2] / "workflow/datasets.yaml"


def _pack(archive: Path, root: Path, *folders: str) -> None:
    """Pack folders below `root` as the provider does, and remove them."""
    files = [file for folder in folders for file in sorted((root / folder).rglob("*")) if file.is_file()]
    if archive.name.endswith(".zip"):
        with ZipFile(archive, "w") as packed:
            for file in files:
                packed.write(file, file.relative_to(root))
    else:
        with tarfile.open(archive, "w:gz") as packed:
            for file in files:
                packed.add(file, Path("COCO/COCOStuff164k") / file.relative_to(root))
    for folder in folders:
        shutil.rmtree(root / folder)


@pytest.fixture
def zipped(cityscapes):
    """Cityscapes as downloaded: two zip files."""
    _pack(cityscapes / "leftImg8bit_trainvaltest.zip", cityscapes, "leftImg8bit")
    _pack(cityscapes / "gtFine_trainvaltest.zip", cityscapes, "gtFine")
    return cityscapes


def test_every_archive_a_kind_asks_for_is_in_the_catalogue():
    for kind in KINDS:
        archives = {what for what in loader("any", kind).NEEDS.values() if what.endswith((".zip", ".tar.gz"))}
        if archives:
            assert source_of(kind, CATALOGUE).files.keys() == archives


def test_cityscapes_is_unpacked(zipped):
    dataset = Dataset(kind="cityscapes", root=str(zipped))
    unpack_all("city", dataset, CATALOGUE)
    assert len(find(zipped, dataset).files["train"]) == 3
    assert not list(zipped.rglob("*_color.png"))


def test_cocostuff_is_unpacked(cocostuff, capsys):
    (cocostuff / "images/train2017").rename(cocostuff / "train2017")
    (cocostuff / "images/val2017").rename(cocostuff / "val2017")
    _pack(cocostuff / "train2017.zip", cocostuff, "train2017")
    _pack(cocostuff / "val2017.zip", cocostuff, "val2017")
    for folder in ("train2017", "val2017"):
        (cocostuff / "annotations" / folder).rename(cocostuff / folder)
    _pack(cocostuff / "stuffthingmaps_trainval2017.zip", cocostuff, "train2017", "val2017")
    _pack(cocostuff / "COCOStuff164kCurated.tar.gz", cocostuff, "curated")
    dataset = Dataset(kind="cocostuff", root=str(cocostuff))
    unpack_all("coco", dataset, CATALOGUE)
    assert len(loader("coco", "cocostuff").find(cocostuff, dataset).files["train"]) == 3
    assert "train2017.zip: 4 files in" in capsys.readouterr().out


def test_a_truncated_zip_is_named(zipped):
    path = zipped / "leftImg8bit_trainvaltest.zip"
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DepthGError, match=r"leftImg8bit_trainvaltest\.zip: cut off or damaged"):
        unpack_all("city", Dataset(kind="cityscapes", root=str(zipped)), CATALOGUE)


def test_files_behind_a_login_are_asked_for(tmp_path):
    (tmp_path / "gtFine/train").mkdir(parents=True)
    (tmp_path / "gtFine/val").mkdir()
    with pytest.raises(
        DepthGError,
        match=r"city: leftImg8bit_trainvaltest\.zip: .*registration: get them from "
        r"https://www\.cityscapes-dataset\.com/downloads/, put them into .* as they are, and run this again",
    ):
        fetch("city", Dataset(kind="cityscapes19", root=str(tmp_path)), CATALOGUE)


def test_a_file_put_there_by_hand_is_checked(zipped):
    with pytest.raises(DepthGError, match=r"trainvaltest\.zip: \d+ bytes, 11592327197 expected"):
        fetch("city", Dataset(kind="cityscapes", root=str(zipped)), CATALOGUE)


def test_all_is_downloaded_and_unpacked(zipped, tmp_path):
    """Into a folder that is not there yet; from `file:` addresses; tests/runtime/test_download.py has a server."""
    content = yaml.safe_load(CATALOGUE.read_text())["cityscapes"]
    for file, archive in content["files"].items():
        shutil.move(zipped / file, tmp_path / file)
        archive |= {"url": (tmp_path / file).as_uri(), "bytes": None}
    catalogue = tmp_path / "own.yaml"
    catalogue.write_text(yaml.safe_dump({"cityscapes": content}))
    root = tmp_path / "not/yet"
    dataset = Dataset(kind="cityscapes", root=str(root))
    fetch("city", dataset, catalogue)
    assert len(find(root, dataset).files["train"]) == 3
    for file in content["files"]:
        (root / file).unlink()
        (tmp_path / file).unlink()
    fetch("city", dataset, catalogue)  # all is in place, so that nothing is asked for


def test_a_data_set_of_ones_own_has_no_source(tmp_path):
    with pytest.raises(
        DepthGError, match=r"nothing is known of the files of kind 'folder', only of cocostuff"
    ):
        fetch("mine", Dataset(root=str(tmp_path)), CATALOGUE)


def test_a_wrong_catalogue_is_named(tmp_path):
    with pytest.raises(
        DepthGError, match=r"none\.yaml: No such file.*: run this in the folder of config\.yaml"
    ):
        source_of("cocostuff", tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("cocostuff: {page: x}")
    with pytest.raises(DepthGError, match=r"bad\.yaml: .*terms"):
        source_of("cocostuff", tmp_path / "bad.yaml")
