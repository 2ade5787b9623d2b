"""Archives: which members are taken, where they go, and the errors for damaged ones."""

import io
import tarfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from depthg.data.unpack import unpack
from depthg.errors import DepthGError

NOISE = np.random.default_rng(0).bytes(5000)


def _zip(path: Path, **members: bytes) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        packed.mkdir("train2017")
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def _tar(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return path


MEMBERS = {
    "train2017/1.png": b"one",
    "train2017/2.png": b"",
    "val2017/3.png": NOISE,
    "__MACOSX/train2017/._1.png": b"junk",
    "license.txt": b"text",
}


def _found(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("pack", "name"), [(_zip, "a.zip"), (_tar, "a.tar.gz")])
def test_members_are_taken_by_the_end_of_their_path(tmp_path, pack, name):
    archive = pack(tmp_path / name, **MEMBERS)
    assert unpack(archive, tmp_path / "out", ["train2017/*.png", "val2017/*.png"]) == 3
    assert _found(tmp_path / "out") == {key: MEMBERS[key] for key in list(MEMBERS)[:3]}


def test_what_lies_above_is_dropped(tmp_path):
    archive = _tar(
        tmp_path / "a.tar.gz", **{"COCO/x/curated/val2017/list.txt": b"1", "COCO/curated/no.txt": b""}
    )
    assert unpack(archive, tmp_path / "out", ["curated/*/*.txt"]) == 1
    assert _found(tmp_path / "out") == {"curated/val2017/list.txt": b"1"}


def test_names_that_climb_out_are_left_alone(tmp_path):
    archive = _zip(tmp_path / "a.zip", **{"../evil.png": b"x", "a/../b.png": b"x", "/etc/c.png": b"x"})
    assert unpack(archive, tmp_path / "deep/out", ["*/*.png"]) == 1
    assert _found(tmp_path / "deep") == {"out/etc/c.png": b"x"}


def test_a_killed_call_goes_on(tmp_path):
    archive, out = _zip(tmp_path / "a.zip", **MEMBERS), tmp_path / "out"
    unpack(archive, out, ["*/*.png"])
    kept = (out / "train2017/1.png").stat().st_mtime_ns
    (out / "val2017/3.png").write_bytes(NOISE[:100])
    (out / "train2017/2.png").unlink()
    unpack(archive, out, ["*/*.png"])
    assert _found(out) == {key: MEMBERS[key] for key in list(MEMBERS)[:3]}
    assert (out / "train2017/1.png").stat().st_mtime_ns == kept


@pytest.mark.parametrize(("pack", "name"), [(_zip, "a.zip"), (_tar, "a.tar.gz")])
@pytest.mark.parametrize("kept", [0, 50, 2000])
def test_a_truncated_archive_is_named(tmp_path, pack, name, kept):
    archive = pack(tmp_path / name, **MEMBERS)
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(DepthGError, match=rf"{name}: cut off or damaged after \d files .*: get it again"):
        unpack(archive, tmp_path / "out", ["*/*.png"])
    assert not list((tmp_path / "out").rglob("3.png"))


def test_a_damaged_member_is_never_left_under_its_name(tmp_path):
    archive = _zip(tmp_path / "a.zip", **MEMBERS)
    content = archive.read_bytes()
    at = content.index(NOISE[100:200])
    archive.write_bytes(content[:at] + bytes(50) + content[at + 50 :])
    with pytest.raises(DepthGError, match=r"a\.zip: cut off or damaged after 3 files \(Bad CRC"):
        unpack(archive, tmp_path / "out", ["*/*.png"])
    assert not (tmp_path / "out/val2017/3.png").exists()


def test_the_wrong_archive_is_named(tmp_path):
    archive = _zip(tmp_path / "a.zip", **MEMBERS)
    with pytest.raises(
        DepthGError, match=r"a\.zip: holds no gtFine/\*/x\.png or \*\.jpg: is it the right file"
    ):
        unpack(archive, tmp_path / "out", ["gtFine/*/x.png", "*.jpg"])


@pytest.mark.parametrize(("pack", "name"), [(_zip, "a.zip"), (_tar, "a.tar.gz")])
def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path, pack, name, monkeypatch):
    monkeypatch.setattr("depthg.data.unpack.BOMB", (10, 5000))
    archive = pack(tmp_path / name, **{"a/1.png": NOISE[:4000], "a/2.png": bytes(10**6)})
    with pytest.raises(DepthGError, match=rf"{name}: unpacks to more than 10 times its size"):
        unpack(archive, tmp_path / "out", ["*/*.png"])
    assert not (tmp_path / "out/a/2.png").exists()


def test_links_and_devices_in_an_archive_are_left_alone(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as packed:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(f"a/{number}.png")
            entry.type, entry.linkname = kind, "../../evil"
            packed.addfile(entry)
        packed.addfile(tarfile.TarInfo("a/own.png"))
    assert unpack(tmp_path / "a.tar.gz", tmp_path / "out", ["*/*.png"]) == 1
    assert _found(tmp_path / "out") == {"a/own.png": b""}
