"""`depthg segment` on folders of awkward images: what it writes, what it refuses, and that it resumes."""

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from depthg.cli import main
from depthg.data.classes import read_classes
from depthg.errors import DepthGError
from depthg.inference import journal, kept
from depthg.inference.inputs import find_inputs
from depthg.inference.segmenter import Segmenter


@pytest.fixture
def photos(tmp_path, picture):
    """A photograph, a tiny one, a panorama, 16 bits, alpha, a rotated one; and one that is cut off."""
    folder = tmp_path / "photos"
    (folder / "far away").mkdir(parents=True)
    plain = Image.fromarray(picture(40, 60))
    plain.save(folder / "plain.png")
    plain.resize((3, 2)).save(folder / "tiny.png")
    plain.resize((300, 20)).save(folder / "panorama.jpg")
    Image.fromarray(picture(40, 60)[..., 0].astype(np.uint16) * 257).save(folder / "far away/16 bits.png")
    faint = plain.convert("RGBA")
    faint.putalpha(90)
    faint.save(folder / "far away/alpha.webp")
    turned = Image.Exif()
    turned[0x0112] = 8
    plain.save(folder / "turned.jpg", exif=turned)
    (folder / "broken.jpg").write_bytes((folder / "turned.jpg").read_bytes()[:300])
    (folder / "notes.txt").write_text("no image")
    return folder


SIZES = {  # width, height
    "plain": (60, 40),
    "tiny": (3, 2),
    "panorama": (300, 20),
    "far away/16 bits": (60, 40),
    "far away/alpha": (60, 40),
    "turned": (40, 60),
}


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_one_bad_image_does_not_stop_the_rest(made, photos, tmp_path, capsys):
    out = tmp_path / "masks"
    assert main(["segment", str(photos), "--model", str(made.model()), "--out", str(out)]) == 1
    printed = capsys.readouterr()
    assert "broken.jpg: not an image, or cut off" in printed.out
    assert f"{photos}: ignored files: 1 .txt" in printed.out
    assert (
        printed.err
        == f"error: images not segmented: 1 of 7, see the warnings above; the others are in {out}\n"
    )
    for name, size in SIZES.items():
        with Image.open(out / f"{name}.png") as mask:
            assert mask.mode == "P" and mask.size == size
            ids = np.asarray(mask)
        with Image.open(out / f"overlays/{name}.jpg") as overlay:
            assert overlay.height > size[1]  # with a legend
        rows = {row["class"]: row for row in table(out / "areas.csv") if row["image"] == name}
        counts = {one: int((ids == place).sum()) for place, one in enumerate(["road", "sky"])}
        assert {one: int(row["pixels"]) for one, row in rows.items()} == {
            k: n for k, n in counts.items() if n
        }
        assert sum(float(row["percent"]) for row in rows.values()) == pytest.approx(100, abs=0.01)
    assert read_classes(out / "classes.csv").names == ("road", "sky")
    assert not (out / "broken.png").exists()


@pytest.mark.parametrize("option", [[], ["--resume"]])
def test_a_name_too_long_to_write_does_not_stop_the_rest(made, photos, tmp_path, capsys, option):
    """A file is written as a draft, `.NAME.tmp`: an image may have a name for which that is too long."""
    (photos / "far away/16 bits.png").rename(photos / f"far away/{'a' * 251}.png")
    out = tmp_path / "masks"
    command = ["segment", f"{photos}/**/*.png", "--model", str(made.model()), "--out", str(out), *option]
    for _ in range(2):
        assert main([*command, "--coco", "panoptic"]) == 1
        printed = capsys.readouterr()
        assert "would be too long: shorten" in printed.out and "not segmented: 1 of 3" in printed.err
        assert {row["image"] for row in table(out / "areas.csv")} == {"plain", "tiny"}


def test_a_killed_run_goes_on_where_it_stopped(made, photos, tmp_path, monkeypatch, capsys):
    (photos / "broken.jpg").unlink()
    model, out = str(made.model()), tmp_path / "masks"
    command = ["segment", str(photos), "--model", model, "--out", str(out), "--resume"]
    real, seen = Segmenter.__call__, []

    def dies(self, image, **options):
        seen.append(image)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return real(self, image, **options)

    monkeypatch.setattr(Segmenter, "__call__", dies)
    assert main(command) == 130 and not (out / "areas.csv").exists()
    assert capsys.readouterr().err.endswith("interrupted: the same command goes on where it stopped\n")
    with (out / journal.FILE).open("a") as stream:
        stream.write('{"image": "pla')  # half a line
    assert main(command) == 0 and len(seen) == 4 + 3
    assert "3 of 6 images are there already" in capsys.readouterr().out
    monkeypatch.undo()
    whole = tmp_path / "whole"
    assert main(["segment", str(photos), "--model", model, "--out", str(whole)]) == 0
    assert (out / "areas.csv").read_text() == (whole / "areas.csv").read_text()


def test_who_did_not_ask_to_resume_is_told_of_it(made, photos, tmp_path, monkeypatch, capsys):
    def stops(self, image, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Segmenter, "__call__", stops)
    command = ["segment", str(photos), "--model", str(made.model()), "--out", str(tmp_path / "masks")]
    assert main(command) == 130
    told = "error: interrupted: the same command with --resume goes on where it stopped\n"
    assert capsys.readouterr().err == told


class Looks(list):
    """How many windows each look at some of them had; the look of number `dies_at`, from 1, is interrupted."""

    dies_at = 0


@pytest.fixture
def looks(monkeypatch) -> Looks:
    looked, real = Looks(), Segmenter._of_windows

    def look(self, images, *options):
        looked.append(len(images))
        if len(looked) == looked.dies_at:
            raise KeyboardInterrupt
        return real(self, images, *options)

    monkeypatch.setattr(Segmenter, "_of_windows", look)
    return looked


def test_an_image_of_many_windows_goes_on_behind_the_last(made, picture, tmp_path, looks):
    image, model = tmp_path / "large.png", str(made.model())
    Image.fromarray(picture(200, 300)).save(image)
    command = ["segment", str(image), "--model", model, "--scale", "1", "--batch", "5", "--out"]
    assert main([*command, str(tmp_path / "whole")]) == 0
    total, looks.dies_at = len(looks), len(looks) + 4
    assert main([*command, str(tmp_path / "all")]) == 130
    begun = len(looks)
    assert total == 20 and main([*command, str(tmp_path / "all"), "--resume"]) == 0
    assert len(looks) - begun == total - 3
    for name in ("large.png", "areas.csv", "overlays/large.jpg"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "all" / kept.FOLDER).exists()


@pytest.mark.parametrize("change", ["no resume", "another image", "a part of a file"])
def test_windows_that_are_not_those_of_the_image_are_looked_at_anew(made, picture, tmp_path, looks, change):
    image, out, model = tmp_path / "large.png", tmp_path / "all", str(made.model())
    Image.fromarray(picture(200, 300)).save(image)
    command = ["segment", str(image), "--model", model, "--scale", "1", "--out"]
    assert main([*command, str(tmp_path / "whole")]) == 0
    total, looks.dies_at = sum(looks), len(looks) + 3
    assert main([*command, str(out)]) == 130 and len(list((out / kept.FOLDER).rglob("*.npy"))) == 2
    begun = len(looks)
    if change == "another image":
        Image.fromarray(picture(200, 300)[::-1]).save(image)
    elif change == "a part of a file":
        for file in (out / kept.FOLDER).rglob("*.npy"):
            file.write_bytes(file.read_bytes()[:-7])
    assert main([*command, str(out), *([] if change == "no resume" else ["--resume"])]) == 0
    assert sum(looks[begun:]) == total > 64


def test_a_mask_that_was_removed_is_made_again(made, photos, tmp_path):
    model, out = str(made.model()), tmp_path / "masks"
    command = ["segment", str(photos / "**/*.png"), "--model", model, "--out", str(out), "--resume"]
    command += ["--coco", "panoptic"]
    assert main(command) == 0
    before = (out / "tiny.png").read_bytes(), (out / "panoptic.json").read_bytes()
    (out / "tiny.png").unlink()
    assert main(command) == 0
    assert before == ((out / "tiny.png").read_bytes(), (out / "panoptic.json").read_bytes())


@pytest.mark.parametrize(("change", "there"), [("other pixels", ["1 of 2"]), ("an old journal", [])])
def test_only_masks_of_images_as_they_are_now_are_kept(
    made, photos, tmp_path, picture, change, there, capsys
):
    model, out = str(made.model()), tmp_path / "masks"
    command = ["segment", f"{photos}/*.png", "--model", model, "--resume", "--out"]
    assert main([*command, str(out)]) == 0
    if change == "other pixels":
        Image.fromarray(picture(40, 60, seed=1)).save(photos / "plain.png")
    else:
        lines = (out / journal.FILE).read_text().splitlines()
        plain = [json.dumps({k: json.loads(line).get(k) for k in ("image", "pixels")}) for line in lines[1:]]
        (out / journal.FILE).write_text("\n".join([lines[0], *plain]) + "\n")
    capsys.readouterr()
    assert main([*command, str(out)]) == 0
    assert re.findall("([0-9]+ of [0-9]+) images are there already", capsys.readouterr().out) == there
    assert main([*command, str(tmp_path / "anew")]) == 0
    for file in ("plain.png", "areas.csv"):
        assert (out / file).read_bytes() == (tmp_path / "anew" / file).read_bytes()


def test_masks_among_the_photographs_are_not_segmented_in_turn(made, photos):
    made.model()
    (photos / "broken.jpg").unlink()
    out = photos / "masks"
    for _ in range(2):
        assert main(["segment", str(photos), "--model", str(made.root / "model"), "--out", str(out)]) == 0
    assert {row["image"] for row in table(out / "areas.csv")} == SIZES.keys()


def test_other_options_or_no_resume_begin_anew(made, photos, tmp_path, capsys):
    model, out = str(made.model()), tmp_path / "masks"
    command = ["segment", str(photos / "plain.png"), "--model", model, "--out", str(out)]
    assert main(command) == 0
    capsys.readouterr()
    assert main([*command, "--resume"]) == 0
    assert "1 of 1 images are there already" in capsys.readouterr().out
    assert main([*command, "--resume", "--flip"]) == 0
    assert "holds what another model or other options gave" in capsys.readouterr().out
    assert main(command) == 0
    assert "already" not in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools' own arrays, when it decodes
def test_formats_say_what_the_masks_say(made, photos, tmp_path):
    mask_tools = pytest.importorskip("pycocotools.mask")
    out, model = tmp_path / "masks", str(made.model())
    command = ["segment", str(photos / "plain.png"), "--model", model, "--out", str(out), "--probabilities"]
    assert main([*command, "--coco", "rle", "--polygons", "geojson"]) == 0
    ids = np.asarray(Image.open(out / "plain.png"))
    found = json.loads((out / "coco.json").read_text())
    assert found["images"] == [{"id": 1, "file_name": "plain.png", "height": 40, "width": 60}]
    for one in found["annotations"]:
        mask = mask_tools.decode(one["segmentation"])
        np.testing.assert_array_equal(mask, ids == one["category_id"] - 1)
        assert one["area"] == mask.sum()
    with np.load(out / "probabilities/plain.npz") as stored:
        assert stored["probabilities"].shape == (2, 40, 60) and stored["names"].tolist() == ["road", "sky"]
    features = pytest.importorskip("rasterio.features")
    shapes = json.loads((out / "polygons/plain.geojson").read_text())["features"]
    drawn = features.rasterize(
        [(one["geometry"], one["properties"]["id"]) for one in shapes], (40, 60), fill=9
    )
    np.testing.assert_array_equal(drawn, ids)


def test_panoptic_and_labelme_say_what_the_masks_say(made, photos, tmp_path):
    features = pytest.importorskip("rasterio.features")
    out, model = tmp_path / "masks", str(made.model())
    command = ["segment", str(photos / "plain.png"), "--model", model, "--out", str(out)]
    assert main([*command, "--coco", "panoptic", "--polygons", "labelme"]) == 0
    ids = np.asarray(Image.open(out / "plain.png"))
    red, green, blue = np.asarray(Image.open(out / "panoptic/plain.png")).astype(int).transpose(2, 0, 1)
    np.testing.assert_array_equal(red + 256 * green + 256**2 * blue, ids + 1)
    (annotation,) = json.loads((out / "panoptic.json").read_text())["annotations"]
    for segment in annotation["segments_info"]:
        rows, columns = np.nonzero(ids == segment["id"] - 1)
        left, top = columns.min(), rows.min()
        box = [left, top, columns.max() - left + 1, rows.max() - top + 1]
        assert segment["bbox"] == box and segment["area"] == len(rows)
    drawn = np.full((40, 60), 9)
    for shape in json.loads((out / "polygons/plain.json").read_text())["shapes"]:
        polygon = {"type": "Polygon", "coordinates": [[*shape["points"], shape["points"][0]]]}
        drawn[features.rasterize([polygon], (40, 60)) == 1] = ["road", "sky"].index(shape["label"])
    np.testing.assert_array_equal(drawn, ids)


def segmenting(image, made, out):
    """The words of `depthg segment` for an image."""
    return ["segment", str(image), "--model", str(made.model()), "--out", str(out)]


def test_an_image_far_larger_than_those_of_the_training_is_told(made, tmp_path, picture, capsys):
    Image.fromarray(picture(250, 400)).save(tmp_path / "aerial.png")
    command = segmenting(tmp_path / "aerial.png", made, tmp_path / "m")
    assert main(command) == 0
    assert (
        "its short side of 250 px is seen at 48 px" in (told := capsys.readouterr().out)
        and "--scale 0.8" in told
    )
    assert main([*command, "--scale", "0.8"]) == 0
    assert "warning" not in capsys.readouterr().out


def test_a_gpu_that_is_needed_is_missed_unless_a_device_is_named(made, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("DEPTHG_NEEDS_GPU", "1")
    command = segmenting(photos / "tiny.png", made, tmp_path / "m")
    assert main(command) == 1
    assert "segmenting: torch" in (told := capsys.readouterr().err) and "DEPTHG_NEEDS_GPU is set" in told
    assert main([*command, "--device", "cpu"]) == 0


def test_inputs_are_files_folders_globs_and_tables(photos, tmp_path):
    names = {one.name for one in find_inputs([photos])}
    assert names == {*SIZES, "broken"}
    assert {one.name for one in find_inputs([photos / "**/*.png"])} == {"plain", "tiny", "far away/16 bits"}
    assert [one.name for one in find_inputs([photos / "plain.png", photos / "./plain.png"])] == ["plain"]
    listed = tmp_path / "images.csv"
    listed.write_text(
        f"id,path,label,width,height\n0,{photos}/plain.png,,60,40\n1,{photos}/far away/alpha.webp,,60,40\n"
    )
    assert [one.name for one in find_inputs([listed])] == ["plain", "far away/alpha"]


def test_a_folder_is_looked_through_as_by_the_index(photos, tmp_path, monkeypatch):
    (photos / "far away").rename(tmp_path / "elsewhere")
    (photos / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(photos)
    assert {"plain", "linked/16 bits", "linked/alpha"} <= {one.name for one in find_inputs([photos])}
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("linked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DepthGError, match="linked: Permission denied: make the folder readable"):
        find_inputs([photos])


def test_tables_may_name_images_from_here_and_from_the_root(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    for table, path in (("one.csv", "photos/plain.png"), ("two.csv", f"{photos}/far away/alpha.webp")):
        Path(table).write_text(f"id,path,label,width,height\n0,{path},,60,40\n")
    found = find_inputs([Path("one.csv"), Path("two.csv")])
    assert [one.name for one in found] == ["plain", "far away/alpha"]
    assert [str(one.path) for one in found] == ["photos/plain.png", f"{photos}/far away/alpha.webp"]


def test_a_name_that_is_not_utf8_is_refused_in_folders_globs_and_alone(photos):
    odd = photos / os.fsdecode(b"caf\xe9.png")
    (photos / "plain.png").rename(odd)
    for given in (photos, photos / "*.png", odd):
        with pytest.raises(DepthGError, match=r"caf\\xe9\.png: this name is not UTF-8: rename"):
            find_inputs([given])


def test_images_with_the_same_name_are_kept_apart(photos):
    Image.open(photos / "plain.png").convert("RGB").save(photos / "plain.jpg")
    assert {"plain.jpg", "plain.png"} <= {one.name for one in find_inputs([photos])}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.jpg"], "nowhere.jpg: no such image or folder"),
        (["{empty}"], "no images (jpg, jpeg, png"),
        (["{photos}/plain.png", "{photos}/other/plain.png"], "would both be written as plain.png"),
        (["{photos}/plain.png", "--device", "nonsense"], "device nonsense"),
        (["{photos}/plain.png", "--scale", "-1"], "error: scale -1.0: must be a number above 0"),
        (["{photos}/plain.png", "--batch", "0"], "error: batch 0: must be at least 1"),
        (["{photos}/plain.png", "--threads", "0"], "--threads 0: must be at least 1"),
        (
            ["{photos}/plain.png", "--out", "{photos}/notes.txt"],
            "notes.txt: a file is in the place of this folder",
        ),
        (["{empty}/*"], "/*: no such image or folder"),
        (["{photos}/o*"], "photos/o*: no image: a table lists none"),
        (["{photos}", "--out", "{photos}"], "there are images in it, which masks might replace"),
    ],
)
def test_what_is_typed_wrong_is_one_line(made, photos, tmp_path, capsys, words, said):
    (tmp_path / "empty").mkdir()
    (photos / "other").mkdir()
    Image.open(photos / "plain.png").save(photos / "other/plain.png")
    words = [word.format(photos=photos, empty=tmp_path / "empty") for word in words]
    before = (photos / "plain.png").read_bytes()
    assert main(["segment", "--out", str(tmp_path / "out"), *words, "--model", str(made.model())]) == 1
    assert (photos / "plain.png").read_bytes() == before
    printed = capsys.readouterr()
    assert said in printed.err + printed.out and printed.err.count("\n") == 1
