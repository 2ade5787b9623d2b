"""The demo data set: rendered into its folder, then read as a data set of kind `folder`."""

import os
from dataclasses import replace
from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data import folder
from depthg.data.classes import named_classes
from depthg.data.records import Listing
from depthg.errors import DepthGError

NEEDS: dict[str, str] = {}  # nothing: the images are rendered
COUNTS = {"train": 160, "val": 50}  # defaults of n_train and n_val


def find(root: Path, dataset: Dataset) -> Listing:
    """The demo images in the folder `root`; missing ones are rendered.

    Raises:
        DepthGError: `root` contains files that are not the demo's.
    """
    from depthg.demo import CLASSES, PALETTE, write_dataset  # slow to import; a plan needs only what is above

    if root.is_dir() and any(root.iterdir()) and not (root / "demo.json").is_file():
        raise DepthGError(f"{root}: holds files that are not the demo's: give the demo a root of its own")
    n_train, n_val = dataset.n_train or COUNTS["train"], dataset.n_val or COUNTS["val"]
    write_dataset(root, n_train, n_val, workers=min(os.cpu_count() or 1, 8))
    classes = replace(named_classes(CLASSES), colors=PALETTE)
    return replace(folder.find(root, dataset), classes=classes)
