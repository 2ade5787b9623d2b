"""Cityscapes with 27 classes: the street scenes with fine annotations, labelIds 7 (road) to 33 (bicycle).

<root>/leftImg8bit/{train,val}/{city}/*_leftImg8bit.png
<root>/gtFine/{train,val}/{city}/*_gtFine_labelIds.png
"""

from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data.classes import Classes, named_classes
from depthg.data.listed import check_present
from depthg.data.records import SPLITS, Files, Listing
from depthg.errors import DepthGError

COUNTS = {"train": 2_975, "val": 500}
NEEDS = {
    f"{folder}/{split}": f"{folder}_trainvaltest.zip"
    for folder in ("leftImg8bit", "gtFine")
    for split in SPLITS
}
CLASSES = {  # class → labelId
    "road": "7",
    "sidewalk": "8",
    "parking": "9",
    "rail track": "10",
    "building": "11",
    "wall": "12",
    "fence": "13",
    "guard rail": "14",
    "bridge": "15",
    "tunnel": "16",
    "pole": "17",
    "polegroup": "18",
    "traffic light": "19",
    "traffic sign": "20",
    "vegetation": "21",
    "terrain": "22",
    "sky": "23",
    "person": "24",
    "rider": "25",
    "car": "26",
    "truck": "27",
    "bus": "28",
    "caravan": "29",
    "trailer": "30",
    "train": "31",
    "motorcycle": "32",
    "bicycle": "33",
}
VOID_IDS = "0-6 255"  # license plate is -1, stored as 255 in 8 bits


def find(root: Path, dataset: Dataset) -> Listing:
    """The images of both splits, with 27 classes.

    Raises:
        DepthGError: a split has no images, or labels are missing.
    """
    return find_with(root, named_classes(CLASSES, CLASSES.values(), VOID_IDS))


def find_with(root: Path, classes: Classes) -> Listing:
    """The images of both splits, with the given classes over labelIds."""
    return Listing({split: _pairs(root, split) for split in SPLITS}, classes, COUNTS)


def _pairs(root: Path, split: str) -> list[Files]:
    folder = root / "leftImg8bit" / split
    images = sorted(folder.glob("*/*_leftImg8bit.png"))
    if not images:
        raise DepthGError(
            f"{folder}: no images in folders of cities: unpack leftImg8bit_trainvaltest.zip there"
        )
    labels = [_label_of(root, split, image) for image in images]
    check_present(labels, str(folder))
    return list(zip(images, labels, strict=True))


def _label_of(root: Path, split: str, image: Path) -> Path:
    name = image.name.removesuffix("_leftImg8bit.png") + "_gtFine_labelIds.png"
    return root / "gtFine" / split / image.parent.name / name
