"""Cityscapes with the 19 classes of the official benchmark (trainIds 0 … 18), from the same files."""

from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data import cityscapes
from depthg.data.classes import named_classes
from depthg.data.records import Listing

COUNTS, NEEDS = cityscapes.COUNTS, cityscapes.NEEDS
CLASSES = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation"),
    *("terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
)
VOID_IDS = "0-6 9-10 14-16 18 29-30 255"


def find(root: Path, dataset: Dataset) -> Listing:
    """The images of both splits, with 19 classes.

    Raises:
        DepthGError: a split has no images, or labels are missing.
    """
    ids = [cityscapes.CLASSES[name] for name in CLASSES]
    return cityscapes.find_with(root, named_classes(CLASSES, ids, VOID_IDS))
