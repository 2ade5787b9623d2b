"""Finding images and labels in the layouts a folder may have."""

import os
from pathlib import Path

import pytest

from depthg.config.sections import Dataset
from depthg.data.folder import companion, find
from depthg.errors import DepthGError


def _touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _names(root: Path, listing, split: str) -> list[str]:
    return [image.relative_to(root).as_posix() for image, _ in listing.files[split]]


def test_a_split_folder(tmp_path):
    _touch(
        tmp_path, "images/train/b.JPG", "images/train/a/x.y.webp", "images/val/c.png", "images/train/n.txt"
    )
    _touch(tmp_path, "images/train/.hidden.jpg", "images/train/.cache/d.jpg", "images/train/depth/z.jpg")
    listing = find(tmp_path, Dataset())
    assert _names(tmp_path, listing, "train") == [
        f"images/train/{name}" for name in ("a/x.y.webp", "b.JPG", "depth/z.jpg")
    ]
    assert _names(tmp_path, listing, "val") == ["images/val/c.png"]
    assert listing.classes is None
    assert {label for files in listing.files.values() for _, label in files} == {None}


def test_labels_are_found_by_the_relative_name(tmp_path):
    _touch(tmp_path, "images/train/a/x.y.jpg", "images/val/b.jpg", "labels/train/a/x.y.png")
    listing = find(tmp_path, Dataset())
    assert listing.files["train"][0][1] == tmp_path / "labels/train/a/x.y.png"
    assert listing.files["val"][0][1] is None  # no image of this split has one


def test_images_without_a_label_are_void_and_counted(tmp_path):
    _touch(tmp_path, *(f"images/{split}/{name}.jpg" for split in ("train", "val") for name in "abc"))
    _touch(tmp_path, "labels/train/b.png")
    listing = find(tmp_path, Dataset())
    assert [label and label.name for _, label in listing.files["train"]] == [None, "b.png", None]
    assert listing.notes == ["1 of 3 train images have labels; the others count as void"]


@pytest.mark.parametrize("suffix", ["jpg", "JPEG", "bmp", "tif"])
def test_labels_that_are_no_png_are_refused(tmp_path, suffix):
    _touch(tmp_path, "a.jpg", "b.jpg", "c.jpg", "labels/a.png", f"labels/b.{suffix}")
    message = rf"labels/b\.{suffix}: labels are read from \.png only: save .* grey PNG \(b\.png\)"
    with pytest.raises(DepthGError, match=message):
        find(tmp_path, Dataset())


def test_labels_of_other_names_are_refused(tmp_path):
    _touch(tmp_path, "images/train/a.jpg", "images/val/b.jpg", "labels/train/a_mask.png")
    message = r"labels/train: none of its 1 files is the label .* such as .*labels/train/a\.png, or remove"
    with pytest.raises(DepthGError, match=message):
        find(tmp_path, Dataset())


def test_what_is_ignored_is_said(tmp_path):
    _touch(tmp_path, "a.jpg", "b.TIF", "c.gif", "d.bmp", "e.avif", "x.xcf", "y.XCF", "deep/z.txt", "README")
    _touch(tmp_path, ".hidden.xcf", "classes.txt", "depth/kinect/a.npy", "labels/a.png")
    (tmp_path / "labels/a.png").unlink()
    listing = find(tmp_path, Dataset())
    assert sum(map(len, listing.files.values())) == 5
    assert listing.notes == ["ignored files: 1 .txt, 2 .xcf, 1 nameless"]


def test_images_outside_the_splits_are_said(tmp_path):
    _touch(tmp_path, "images/train/a.jpg", "images/val/b.jpg", "images/c.jpg")
    (note,) = find(tmp_path, Dataset()).notes
    assert note.endswith(
        "ignored files: 1 .jpg; images beside the folders train and val belong into one of them"
    )


def test_classes_are_the_lines_of_a_file(tmp_path):
    _touch(tmp_path, "images/train/a.jpg", "images/val/b.jpg")
    (tmp_path / "classes.txt").write_text("sky\nroad \r\n\n", encoding="utf-8-sig")
    classes = find(tmp_path, Dataset()).classes
    assert classes.names == ("sky", "road")


@pytest.mark.parametrize("below", ["images/", ""])
def test_an_unsplit_folder_is_split_by_name(tmp_path, below):
    names = [f"{below}{place}.jpg" for place in range(20)]
    _touch(tmp_path, *names, *(f"labels/{place}.png" for place in range(20)), "depth/kinect/0.png")
    listing = find(tmp_path, Dataset(val_fraction=0.25))
    train, val = _names(tmp_path, listing, "train"), _names(tmp_path, listing, "val")
    assert len(val) == 5 and sorted(train + val) == sorted(names)
    assert listing.files["val"][0][1] == tmp_path / f"labels/{Path(val[0]).stem}.png"


def test_the_split_depends_on_names_only(tmp_path):
    for root in ("one", "elsewhere/two"):
        _touch(tmp_path / root, *(f"images/{place}.jpg" for place in range(12)))
    one, two = (
        _names(tmp_path / root, find(tmp_path / root, Dataset()), "val") for root in ("one", "elsewhere/two")
    )
    # by hand: `printf N.jpg | sha256sum` for N = 0 … 11, the two lowest (20 % of 12)
    assert one == two == ["images/0.jpg", "images/5.jpg"]


@pytest.mark.parametrize("fraction", [0.0, 0.99])
def test_each_part_gets_an_image(tmp_path, fraction):
    _touch(tmp_path, "a.jpg", "b.jpg")
    listing = find(tmp_path, Dataset(val_fraction=fraction))
    assert len(listing.files["train"]) == len(listing.files["val"]) == 1


def test_train_and_val_right_below_the_root(tmp_path):
    _touch(tmp_path, "train/a.jpg", "val/b.jpg", "labels/train/a.png", "labels/val/b.png")
    listing = find(tmp_path, Dataset())
    assert listing.files["train"] == [(tmp_path / "train/a.jpg", tmp_path / "labels/train/a.png")]


def test_linked_folders_are_followed(tmp_path):
    _touch(tmp_path, "elsewhere/a.jpg", "root/images/val/b.jpg")
    (tmp_path / "root/images/train").mkdir()
    (tmp_path / "root/images/train/more").symlink_to(tmp_path / "elsewhere")
    assert len(find(tmp_path / "root", Dataset()).files["train"]) == 1


def test_a_loop_of_links_ends(tmp_path):
    _touch(tmp_path, "a.jpg", "deep/b.jpg")
    (tmp_path / "deep/up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "deep")
    listing = find(tmp_path, Dataset())
    assert sorted(_names(tmp_path, listing, "train") + _names(tmp_path, listing, "val")) == [
        "a.jpg",
        "again/b.jpg",  # in sorted order the first way to it
    ]


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    _touch(tmp_path, "a.jpg", "b.jpg", "closed/c.jpg")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DepthGError, match=r"closed: Permission denied: make the folder readable"):
        find(tmp_path, Dataset())


@pytest.mark.parametrize(
    "name", [b"images/train/caf\xe9.jpg", b"labels/train/caf\xe9.png", b"images/train/caf\xe9/b.jpg"]
)
def test_a_name_that_is_not_utf8_is_refused_by_name(tmp_path, name):
    _touch(tmp_path, "images/train/a.jpg", "images/val/b.jpg", "labels/train/a.png", os.fsdecode(name))
    with pytest.raises(DepthGError, match=r"train/caf\\xe9\S*: this name is not UTF-8: rename") as caught:
        find(tmp_path, Dataset())
    assert b"\n" not in str(caught.value).encode()


@pytest.mark.parametrize("names", [[], ["a.jpg"], ["images/a.jpg"], ["images/a.txt", "images/b.xcf"]])
def test_too_few_images_tell_the_layout(tmp_path, names):
    _touch(tmp_path, *names)
    with pytest.raises(
        DepthGError, match=r"images found: [01], at least 2 are needed: put images in .*/images/train"
    ):
        find(tmp_path, Dataset())


def test_a_missing_root_tells_the_layout(tmp_path):
    with pytest.raises(DepthGError, match=r"nowhere: no such folder: put images in"):
        find(tmp_path / "nowhere", Dataset())


def test_a_missing_split_is_named(tmp_path):
    _touch(tmp_path, "images/train/a.jpg")
    with pytest.raises(DepthGError, match=r"images/val: no images \(jpg, .*tif.*\): put"):
        find(tmp_path, Dataset())


def test_an_image_from_elsewhere_has_no_companion(tmp_path):
    with pytest.raises(
        DepthGError, match=r"/other/a\.jpg: not in .*index the data set again with `snakemake"
    ):
        companion(tmp_path, Path("/other/a.jpg"), "labels", ".png")
