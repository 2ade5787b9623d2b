"""Potsdam-3: aerial tiles of 200 × 200 pixels, with six labels merged into three classes.

<root>/imgs/{id}.mat                                  `img` uint8 [200, 200, 4]: red, green, blue, infrared
<root>/gt/{id}.mat                                    `gt` [200, 200]: ids 0 … 5, 255 = void
<root>/labelled_train.txt, labelled_test.txt          the tiles to use, one id per line
"""

from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data.classes import named_classes
from depthg.data.listed import listed
from depthg.data.records import Listing

COUNTS = {"train": 4_545, "val": 855}
LISTS = {"train": "labelled_train.txt", "val": "labelled_test.txt"}
NEEDS = {path: "Potsdam.tar.gz" for path in ("imgs", "gt", *LISTS.values())}
CLASSES = {"roads and cars": "0 4", "buildings and clutter": "1 5", "trees and low vegetation": "2-3"}


def find(root: Path, dataset: Dataset) -> Listing:
    """The labelled tiles.

    Raises:
        DepthGError: a list is missing, or a file on it.
    """
    files = {split: listed(root, names, "imgs/{}.mat", "gt/{}.mat") for split, names in LISTS.items()}
    return Listing(files, named_classes(CLASSES, CLASSES.values()), COUNTS)
