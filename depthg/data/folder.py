"""A folder of images, with or without splits and labels.

    <root>/images/{train,val}/**.jpg      any format of depthg.data.formats, of any size
    <root>/labels/{train,val}/**.png      optional: class ids, 255 = void, named like the images; some may lack one
    <root>/classes.txt                    optional: one name per line; the first is class 0

`images/` is optional. So are `train` and `val`: without them, a hash of each file name decides the split.
"""

import hashlib
from collections.abc import Collection
from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data.classes import Classes, named_classes
from depthg.data.formats import ignored_files, image_suffixes, readable_suffixes
from depthg.data.records import SPLITS, Files, Listing, index_again
from depthg.data.walk import files_below
from depthg.errors import DepthGError

NEEDS = {".": "a folder of images; see README.md, Your own images"}
BESIDE = ("labels", "depth")  # folders that are not searched for images, where images lie beside them


def find(root: Path, dataset: Dataset) -> Listing:
    """The images and labels in the folder `root`, and the classes of classes.txt.

    Raises:
        DepthGError: there are no or too few images, or there are labels that cannot be used.
    """
    images = _splits(root, dataset)
    files = {split: _with_labels(root, split, paths) for split, paths in images.items()}
    notes = [*_ignored(root, {path for paths in images.values() for path in paths}), *_unlabelled(files)]
    return Listing(files, _classes(root / "classes.txt"), notes=notes)


def companion(root: Path, image: Path, below: str, suffix: str) -> Path:
    """The path that corresponds to an image in the folder `below`, for example `<root>/<below>/train/a/001<suffix>`.

    Raises:
        DepthGError: the image is not under `root`.
    """
    try:
        name = image.relative_to(_image_folder(root))
    except ValueError:
        raise DepthGError(f"{image}: not in {root}: index the data set again with {index_again()}") from None
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
        images = _images(folder, BESIDE if folder == root else ())
        if len(images) < 2:
            raise DepthGError(f"{root}: images found: {len(images)}, at least 2 are needed: {layout}")
        return _split_by_name(folder, images, dataset.val_fraction)
    splits = {split: _images(folder / split) for split in SPLITS}
    for split, images in splits.items():
        if not images:
            raise DepthGError(f"{folder / split}: no images ({readable_suffixes()}): {layout}")
    return splits


def _split_by_name(folder: Path, images: list[Path], val_fraction: float) -> dict[str, list[Path]]:
    """Split by a hash of the file name, the same on every machine; each split gets at least one image."""
    count = min(max(round(val_fraction * len(images)), 1), len(images) - 1)
    ranked = sorted(
        images, key=lambda image: hashlib.sha256(image.relative_to(folder).as_posix().encode()).digest()
    )
    return {"train": sorted(ranked[count:]), "val": sorted(ranked[:count])}


def _images(folder: Path, skip: tuple[str, ...] = ()) -> list[Path]:
    """The files in a folder that Pillow can read, by their suffixes."""
    return [path for path in files_below(folder, skip) if path.name.lower().endswith(image_suffixes())]


def _ignored(root: Path, images: Collection[Path]) -> list[str]:
    """What is said of files among the images that are not used: their number by suffix."""
    folder = _image_folder(root)
    others = [
        path for path in files_below(folder, BESIDE) if path not in images and path.name != "classes.txt"
    ]
    said = ignored_files(others)
    if said and any(path.suffix.lower() in image_suffixes() for path in others):
        said += "; images beside the folders train and val belong into one of them"
    return [said] if said else []


def _with_labels(root: Path, split: str, images: list[Path]) -> list[Files]:
    """Pairs of image and label file; None for an image without a label."""
    labels = [companion(root, image, "labels", ".png") for image in images]
    split_folder = root / "labels" / split
    folder = split_folder if (_image_folder(root) / split).is_dir() else root / "labels"
    found = files_below(folder)
    if not found:
        return [(image, None) for image in images]
    there = set(found)
    pairs: list[Files] = [
        (image, label if label in there else None) for image, label in zip(images, labels, strict=True)
    ]
    _check_others(folder, there, set(labels), labels[0])
    return pairs


def _check_others(folder: Path, there: set[Path], wanted: set[Path], example: Path) -> None:
    """Refuse labels in another format than PNG, and those of which none has the name of an image."""
    for path in sorted(there - wanted):
        if path.suffix.lower() in image_suffixes() and path.with_suffix(".png") in wanted - there:
            raise DepthGError(
                f"{path}: labels are read from .png only: save the class ids as an 8- or 16-bit grey PNG "
                f"({path.with_suffix('.png').name})"
            )
    if not wanted & there:
        raise DepthGError(
            f"{folder}: none of its {len(there):,} files is the label of an image: name them like the images, "
            f"such as {example}, or remove the folder"
        )


def _unlabelled(files: dict[str, list[Files]]) -> list[str]:
    """What is said of splits in which some images have labels."""
    counts = {split: sum(label is not None for _, label in pairs) for split, pairs in files.items()}
    return [
        f"{count:,} of {len(files[split]):,} {split} images have labels; the others count as void"
        for split, count in counts.items()
        if 0 < count < len(files[split])
    ]


def _classes(path: Path) -> Classes | None:
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    return named_classes([line.strip() for line in lines])
