"""A folder of images, with or without splits and labels.

    <root>/images/{train,val}/**.jpg      jpg, jpeg, png or webp, of any size
    <root>/labels/{train,val}/**.png      optional: class ids, 255 = void, named like the images
    <root>/classes.txt                    optional: one name per line; the first is class 0

`images/` is optional. So are `train` and `val`: without them, a hash of each file name decides the split.
"""

import hashlib
import os
from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data.classes import Classes, named_classes
from depthg.data.records import SPLITS, Files, Listing
from depthg.errors import DepthGError

NEEDS = {".": "a folder of images; see README.md, Your own images"}
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def find(root: Path, dataset: Dataset) -> Listing:
    """The images and labels in the folder `root`, and the classes of classes.txt.

    Raises:
        DepthGError: there are no or too few images, or only some images of a split have labels.
    """
    files = {split: _with_labels(root, split, paths) for split, paths in _splits(root, dataset).items()}
    return Listing(files, _classes(root / "classes.txt"))


def companion(root: Path, image: Path, below: str, suffix: str) -> Path:
    """The path that corresponds to an image in the folder `below`, for example `<root>/<below>/train/a/001<suffix>`.

    Raises:
        DepthGError: the image is not under `root`.
    """
    try:
        name = image.relative_to(_image_folder(root))
    except ValueError:
        raise DepthGError(f"{image}: not in {root}: index the data set again") from None
    return root / below / name.with_name(name.stem + suffix)


def _image_folder(root: Path) -> Path:
    return root / "images" if (root / "images").is_dir() else root


def _splits(root: Path, dataset: Dataset) -> dict[str, list[Path]]:
    """Split → paths of its images, sorted."""
    folder = _image_folder(root)
    layout = f"put images in {root}/images/train and {root}/images/val, or all of them in {root}/images"
    if not root.is_dir():
        raise DepthGError(f"{root}: no such folder: {layout}")
    if not any((folder / split).is_dir() for split in SPLITS):
        images = _files(folder, IMAGE_SUFFIXES, skip=("labels", "depth") if folder == root else ())
        if len(images) < 2:
            raise DepthGError(f"{root}: {len(images)} images found, at least 2 are needed: {layout}")
        return _split_by_name(folder, images, dataset.val_fraction)
    splits = {split: _files(folder / split, IMAGE_SUFFIXES) for split in SPLITS}
    for split, images in splits.items():
        if not images:
            raise DepthGError(f"{folder / split}: no jpg, png or webp images: {layout}")
    return splits


def _split_by_name(folder: Path, images: list[Path], val_fraction: float) -> dict[str, list[Path]]:
    """Split by a hash of the file name, the same on every machine; each split gets at least one image."""
    count = min(max(round(val_fraction * len(images)), 1), len(images) - 1)
    ranked = sorted(
        images, key=lambda image: hashlib.sha256(image.relative_to(folder).as_posix().encode()).digest()
    )
    return {"train": sorted(ranked[count:]), "val": sorted(ranked[:count])}


def _files(folder: Path, suffixes: tuple[str, ...], skip: tuple[str, ...] = ()) -> list[Path]:
    """Files with one of the suffixes at any depth, sorted; follows links and ignores hidden files and folders.

    Folders directly below `folder` that are named in `skip` are ignored as well.
    """
    found = []
    for parent, below, names in os.walk(folder, followlinks=True):
        skipped = skip if Path(parent) == folder else ()
        below[:] = [name for name in below if not name.startswith(".") and name not in skipped]
        kept = [name for name in names if name.lower().endswith(suffixes) and not name.startswith(".")]
        found += [Path(parent, name) for name in kept]
    return sorted(found)


def _with_labels(root: Path, split: str, images: list[Path]) -> list[Files]:
    """Pairs of image and label file; a split has labels for all of its images or for none."""
    labels = [companion(root, image, "labels", ".png") for image in images]
    split_folder = root / "labels" / split
    folder = split_folder if (_image_folder(root) / split).is_dir() else root / "labels"
    if not _files(folder, (".png",)):
        return [(image, None) for image in images]
    missing = [label for label in labels if not label.is_file()]
    if missing:
        raise DepthGError(
            f"{missing[0]}: no such label, and {len(missing) - 1} more of {len(labels)} are missing: "
            f"add them, or remove {folder}"
        )
    return list(zip(images, labels, strict=True))


def _classes(path: Path) -> Classes | None:
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    return named_classes([line.strip() for line in lines])
