"""COCO-Stuff 27: images with 182 fine classes of things and stuff, merged into 27 coarse classes.

<root>/images/{train2017,val2017}/{id}.jpg
<root>/annotations/{train2017,val2017}/{id}.png      "stuffthingmaps": fine ids, 255 = void
<root>/curated/{train2017,val2017}/*.txt             the images to use, one id a line
"""

from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data.classes import named_classes
from depthg.data.listed import listed
from depthg.data.records import Listing

COUNTS = {"train": 97_702, "val": 2_175}
LISTS = {  # split → folder and list of images: mostly stuff in train, a harder subset in val
    "train": ("train2017", "Coco164kFull_Stuff_Coarse.txt"),
    "val": ("val2017", "Coco164kFull_Stuff_Coarse_7.txt"),
}
NEEDS = {
    "images/train2017": "train2017.zip",
    "images/val2017": "val2017.zip",
    "annotations/train2017": "stuffthingmaps_trainval2017.zip",
    "annotations/val2017": "stuffthingmaps_trainval2017.zip",
    **{f"curated/{folder}/{names}": "COCOStuff164kCurated.tar.gz" for folder, names in LISTS.values()},
}
CLASSES = {  # coarse class → fine ids
    "electronic": "71-76",
    "appliance": "77-82",
    "food (thing)": "51-60",
    "furniture (thing)": "61-70",
    "indoor": "83-90",
    "kitchen": "43-50",
    "accessory": "25-32",
    "animal": "15-24",
    "outdoor": "9-14",
    "person": "0",
    "sports": "33-42",
    "vehicle": "1-8",
    "ceiling": "101-102",
    "floor": "100 113-117",
    "food (stuff)": "120-121 152 169",
    "furniture (stuff)": "97 106-107 109 111 122 129 132 155 160 164",
    "rawmaterial": "99 131 138 142",
    "textile": "91-92 103-104 108 130 136 140 151 166-167",
    "wall": "170-176",
    "window": "179-180",
    "building": "94-95 127 150 157 165",
    "ground": "110 124-125 135 139 143-144 146 148 153 158",
    "plant": "93 96 118 123 128 133 141 162 168",
    "sky": "105 156",
    "solid": "126 134 149 159 161 181",
    "structural": "98 112 137 145 163",
    "water": "119 147 154 177-178",
}


def find(root: Path, dataset: Dataset) -> Listing:
    """The images on the curated lists.

    Raises:
        DepthGError: a list is missing, or a file on it.
    """
    files = {}
    for split, (folder, names) in LISTS.items():
        image, label = f"images/{folder}/{{}}.jpg", f"annotations/{folder}/{{}}.png"
        files[split] = listed(root, f"curated/{folder}/{names}", image, label)
    return Listing(files, named_classes(CLASSES, CLASSES.values()), COUNTS)
