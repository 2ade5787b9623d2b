"""Cityscapes as its providers ship it, with 27 and with 19 classes."""

import numpy as np
import pytest
from PIL import Image

from depthg.config.sections import Dataset
from depthg.data import cityscapes as fine27
from depthg.data import cityscapes19
from depthg.data.index import index
from depthg.data.records import read_images
from depthg.errors import DepthGError

TRAIN_IDS = [  # of the labelIds 7 … 33
    *(0, 1, 255, 255, 2, 3, 4, 255, 255, 255, 5, 255, 6, 7),
    *(8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 16, 17, 18),
]


def _class_of(listing, raw: int, where) -> int:
    return int(listing.classes.encode(np.array([[raw]], np.uint16), where)[0, 0])


def test_27_classes(cityscapes):
    listing = fine27.find(cityscapes, Dataset())
    assert len(listing.classes) == 27
    for raw in range(34):
        assert _class_of(listing, raw, cityscapes) == (raw - 7 if raw >= 7 else 255), raw
    assert _class_of(listing, 255, cityscapes) == 255
    names = "road sidewalk parking rail_track building wall fence guard_rail bridge tunnel pole polegroup"
    names += " traffic_light traffic_sign vegetation terrain sky person rider car truck bus caravan trailer"
    names += " train motorcycle bicycle"
    assert [name.replace(" ", "_") for name in listing.classes.names] == names.split()


def test_19_classes(cityscapes):
    listing = cityscapes19.find(cityscapes, Dataset())
    assert len(listing.classes) == 19
    for raw in range(34):
        assert _class_of(listing, raw, cityscapes) == (TRAIN_IDS[raw - 7] if raw >= 7 else 255), raw
    assert _class_of(listing, 255, cityscapes) == 255
    assert listing.classes.names[10:14] == ("sky", "person", "rider", "car")


@pytest.mark.parametrize("kind", ["cityscapes", "cityscapes19"])
def test_indexed(cityscapes, tmp_path, capsys, kind):
    index("city", Dataset(kind=kind, root=str(cityscapes)), tmp_path / "out")
    assert "warning: city: 3 train images found, 2,975 expected" in capsys.readouterr().out
    first = read_images(tmp_path / "out/train/images.csv")[0]
    assert first.path == f"{cityscapes}/leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png"
    assert first.label == f"{cityscapes}/gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png"


def test_an_id_outside_the_table_is_an_error(cityscapes, tmp_path):
    path = cityscapes / "gtFine/val/munster/munster_000000_000019_gtFine_labelIds.png"
    Image.fromarray(np.full((32, 64), 34, np.uint8)).save(path)
    with pytest.raises(
        DepthGError, match=r"labelIds\.png: id 34 is neither of a class \(7-33\) nor void \(0-6 255\)"
    ):
        index("city", Dataset(kind="cityscapes", root=str(cityscapes)), tmp_path / "out")


def test_a_missing_label_is_named(cityscapes):
    (cityscapes / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(
        DepthGError, match=r"ulm_000000_000019_gtFine_labelIds\.png: missing, the first of 1 files of 3"
    ):
        fine27.find(cityscapes, Dataset())


def test_an_empty_split_is_named(cityscapes):
    (cityscapes / "leftImg8bit/val/munster").rename(cityscapes / "elsewhere")
    with pytest.raises(DepthGError, match=r"leftImg8bit/val: no images in folders of cities"):
        fine27.find(cityscapes, Dataset())
