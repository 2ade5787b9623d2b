"""Bad images, labels, classes, depth maps, weights, stores and configurations: each is refused in one line.

The line names what is wrong, the exit code is 1, there is no traceback, and nothing is left that looks whole.
"""

import json
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from depthg.cli import main
from depthg.store.arrays import Array
from depthg.store.writer import Writer

COLORS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
IDS = np.resize(np.uint8([0, 1, 2, 255]), (24, 32))


@pytest.fixture
def refused(capsys):
    """Call a command that must fail, and check what it says."""

    def refused(*words, says):
        capsys.readouterr()
        status = main([str(word) for word in words])
        said = capsys.readouterr().err.strip().splitlines()
        assert status == 1 and len(said) == 1, said
        assert said[0].startswith("error: ") and "unexpected" not in said[0], said[0]
        assert says in said[0], said[0]

    return refused


def png(array, **options):
    def write(path):
        Image.fromarray(array).save(path, "PNG", **options)

    return write


def cut(path, kept=0.5):
    png(COLORS)(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])


def flipped(path):
    png(COLORS)(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def huge(path):
    """A header that promises 100,000 × 100,000 pixels."""
    png(COLORS)(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 100_000, 100_000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    path.write_bytes(content)


def content(data):
    return lambda path: path.write_bytes(data)


def saved(array):
    def write(path):
        with path.open("wb") as stream:
            np.save(stream, array)

    return write


IMAGES = {
    "empty": content(b""),
    "text": content(b"no image at all"),
    "html": content(b"<!DOCTYPE html><title>404</title>"),
    "zeros": content(bytes(4096)),
    "a signature alone": content(b"\x89PNG\r\n\x1a\n"),
    "cut early": lambda path: cut(path, 0.02),
    "cut": cut,
    "cut late": lambda path: cut(path, 0.97),
    "a flipped bit": flipped,
    "an absurd size": huge,
    "a pickle": content(pickle.dumps({"a": 1})),
    "an array": saved(COLORS),
    "a folder": lambda path: path.mkdir(),
    "a broken link": lambda path: path.symlink_to("nowhere.png"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "svg": content(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "a JPEG that was cut": lambda path: (
        Image.fromarray(COLORS).save(path, "JPEG"),
        path.write_bytes(path.read_bytes()[:300]),
    ),
    "fractions": lambda path: Image.fromarray(COLORS[..., 0].astype(np.float32)).save(path, "TIFF"),
    "32 bits": lambda path: Image.fromarray(np.full((24, 32), 70_000, np.int32)).save(path, "TIFF"),
}


@pytest.fixture
def photos(tmp_path):
    """Six photographs with labels of three classes."""
    root = tmp_path / "photos"
    for folder, array in (("images", COLORS), ("labels", IDS)):
        (root / folder).mkdir(parents=True)
        for number in range(6):
            png(array)(root / folder / f"{number}.png")
    return root


def index(root, out):
    return ["index", "--name", "mine", "--dataset", json.dumps({"root": str(root)}), "--out", out]


@pytest.mark.parametrize("kind", [kind for kind in IMAGES if kind != "a folder"])
def test_images(photos, tmp_path, refused, kind):
    (photos / "images/3.png").unlink()
    IMAGES[kind](photos / "images/3.png")
    refused(*index(photos, tmp_path / "out"), says="images/3.png: ")
    assert not list(tmp_path.rglob("*.csv"))


LABELS = {
    **{
        kind: IMAGES[kind] for kind in ("empty", "text", "cut", "cut late", "a flipped bit", "an absurd size")
    },
    "colours": png(COLORS),
    "transparency": png(np.dstack([COLORS, COLORS[..., :1]])),
    "another size": png(IDS[:20]),
    "turned": png(IDS.T.copy()),
    "fractions": IMAGES["fractions"],
    "a class that is not listed": png(IDS + 3 * (IDS == 2).astype(np.uint8)),
    "16 bits, no class": png(np.full((24, 32), 40_000, np.uint16)),
    "32 bits": IMAGES["32 bits"],
    "an array": saved(IDS),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels(photos, tmp_path, refused, kind):
    (photos / "classes.txt").write_text("sky\nroad\ntree\n")
    (photos / "labels/3.png").unlink()
    LABELS[kind](photos / "labels/3.png")
    refused(*index(photos, tmp_path / "out"), says="labels/3.png: ")
    assert not list(tmp_path.rglob("*.csv"))


CLASSES = {
    "empty": "",
    "no columns": "1,2,3\n",
    "a column missing": "id,name,red,green\n0,sky,1,2\n",
    "words for numbers": "id,name,red,green,blue\nzero,sky,1,2,3\n",
    "a gap": "id,name,red,green,blue\n0,sky,1,2,3\n2,road,1,2,3\n",
    "twice the same id": "id,name,red,green,blue\n0,sky,1,2,3\n0,road,1,2,3\n",
    "twice the same name": "id,name,red,green,blue\n0,sky,1,2,3\n1,sky,1,2,3\n",
    "too few values": "id,name,red,green,blue\n0,sky\n",
    "a raw id twice": "id,name,red,green,blue,ids\n0,sky,1,2,3,7\n1,road,1,2,3,7\n",
    "raw ids in words": "id,name,red,green,blue,ids\n0,sky,1,2,3,seven\n",
    "a raw id too large": "id,name,red,green,blue,ids\n0,sky,1,2,3,70000\n",
    "a negative raw id": "id,name,red,green,blue,ids\n0,sky,1,2,3,-7\n",
    "an endless range": "id,name,red,green,blue,ids\n0,sky,1,2,3,0-999999999999\n",
    "a colour that is none": "id,name,red,green,blue\n0,sky,300,-2,3\n",
}


@pytest.mark.parametrize("kind", [*CLASSES, "bytes", "missing"])
def test_classes(photos, tmp_path, refused, kind):
    path = tmp_path / "classes.csv"
    if kind in CLASSES:
        path.write_text(CLASSES[kind])
    elif kind == "bytes":
        path.write_bytes(b"\xff\xfe\x00\x80id")
    main([str(word) for word in index(photos, tmp_path / "out")])
    words = ["--images", tmp_path / "out/train/images.csv", "--classes", path, "--split", "train"]
    settings = '{"size": 16, "eval_size": 16}'
    refused("crops", *words, "--settings", settings, "--out", tmp_path / "c.zarr", says="classes.csv: ")
    assert not (tmp_path / "c.zarr/complete.json").exists()


@pytest.fixture
def cropped(photos, tmp_path):
    """The same photographs, cut into crops, with depth maps."""
    main([str(word) for word in index(photos, tmp_path)])
    common = ["--classes", tmp_path / "classes.csv", "--settings", '{"size": 16, "eval_size": 16}']
    words = ["--images", tmp_path / "train/images.csv", "--split", "train", "--out", tmp_path / "crops.zarr"]
    assert main([str(word) for word in ("crops", *common, *words)]) == 0
    (photos / "depth/lidar").mkdir(parents=True)
    for number in range(6):
        png(COLORS[..., 0])(photos / f"depth/lidar/{number}.png")
    return tmp_path


FLAT = np.full((24, 32), 0.5)
STEEP = np.linspace(0, 1, 24 * 32).reshape(24, 32)
DEPTH = {
    "missing": None,
    "constant": saved(FLAT),
    "a NaN": saved(np.where(STEEP < 0.1, np.nan, STEEP)),
    "infinite": saved(np.where(STEEP < 0.1, np.inf, STEEP)),
    "all NaN": saved(FLAT * np.nan),
    "empty": content(b""),
    "text": content(b"1 2 3"),
    "three dimensions": saved(COLORS),
    "no dimension": saved(np.array(3.0)),
    "one dimension": saved(STEEP[0]),
    "nothing in it": saved(np.zeros((0, 4))),
    "words": saved(np.full((24, 32), "far")),
    "objects": saved(np.full((24, 32), {"a": 1}, object)),
    "cut": lambda path: (saved(STEEP)(path), path.write_bytes(path.read_bytes()[:500])),
    "complex numbers": saved(STEEP + 1j),
    "dates": saved(np.full((24, 32), np.datetime64("2020-01-01"))),
    "fields": saved(np.zeros((24, 32), [("a", "f4")])),
}


@pytest.mark.parametrize("kind", DEPTH)
def test_depth_maps(cropped, photos, refused, kind):
    name = next(line.split(",")[1] for line in (cropped / "train/images.csv").read_text().splitlines()[1:])
    own = photos / "depth/lidar" / Path(name).name
    own.unlink()
    if DEPTH[kind]:
        DEPTH[kind](own.with_suffix(".npy"))
    source = json.dumps({"source": "files", "name": "lidar", "larger": "farther"})
    words = ["--crops", cropped / "crops.zarr", "--images", cropped / "train/images.csv", "--root", photos]
    out = cropped / "depth.zarr"
    refused("depth", *words, "--split", "train", "--source", source, "--out", out, says=f"lidar/{own.stem}.")
    assert not (out / "complete.json").exists()


def absurd_header(path):
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")


WEIGHTS = {
    "missing.safetensors": None,
    "empty.safetensors": content(b""),
    "empty.pth": content(b""),
    "text.safetensors": content(b"<html>404</html>"),
    "text.pth": content(b"<html>404</html>"),
    "absurd.safetensors": absurd_header,
    "pickle.pth": content(pickle.dumps(print)),
    "pickle.safetensors": content(pickle.dumps(print)),
    "other.safetensors": lambda path: save_file({"a": np.zeros(3, np.float32)}, path),
    "json.safetensors": content(struct.pack("<Q", 4) + b"nope"),
    "folder.safetensors": lambda path: path.mkdir(),
}
VIT = {"patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2, "dynamic_img_size": True}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(cropped, refused, name):
    path = cropped / name
    if WEIGHTS[name]:
        WEIGHTS[name](path)
    spec = json.dumps({"model": "vit_tiny_patch16_224", "args": VIT, "weights": str(path)})
    words = ["--crops", cropped / "crops.zarr", "--name", "mine", "--backbone", spec]
    refused("features", *words, "--out", cropped / "f.zarr", says=name)
    assert not (cropped / "f.zarr/complete.json").exists()


def rewritten(name, change):
    """Change a file of JSON of a store."""

    def damage(store):
        about = json.loads((store / name).read_text())
        change(about)
        (store / name).write_text(json.dumps(about))

    return damage


def shard_of(store):
    return next(path for path in (store / "tokens").iterdir() if path.name.startswith("c."))


def bit(store):
    content = bytearray(shard_of(store).read_bytes())
    content[-100] ^= 1
    shard_of(store).write_bytes(content)


STORES = {
    "not complete": lambda store: (store / "complete.json").unlink(),
    "an empty marker": lambda store: (store / "complete.json").write_bytes(b""),
    "a marker of text": lambda store: (store / "complete.json").write_text("done"),
    "a marker of bytes": lambda store: (store / "complete.json").write_bytes(b"\xff\xfe"),
    "a list as marker": lambda store: (store / "complete.json").write_text("[1, 2]"),
    "a foreign marker": lambda store: (store / "complete.json").write_text('{"name": "other"}'),
    "a marker without rows": rewritten("complete.json", lambda about: about.pop("rows")),
    "rows in words": rewritten("complete.json", lambda about: about.update(rows="many")),
    "no record": lambda store: (store / "fingerprint.json").unlink(),
    "a foreign record": lambda store: (store / "fingerprint.json").write_text("{}"),
    "no metadata": lambda store: (store / "tokens/zarr.json").unlink(),
    "cut metadata": lambda store: (store / "tokens/zarr.json").write_text('{"shape": [3'),
    "no codecs": rewritten("tokens/zarr.json", lambda about: about.update(codecs=[])),
    "of another version": rewritten(
        "tokens/zarr.json", lambda about: about.update(codecs=[{"name": "bytes"}])
    ),
    "of another dtype": rewritten("tokens/zarr.json", lambda about: about.update(data_type="string")),
    "no shard": lambda store: shard_of(store).unlink(),
    "an empty shard": lambda store: shard_of(store).write_bytes(b""),
    "a cut shard": lambda store: shard_of(store).write_bytes(shard_of(store).read_bytes()[:200]),
    "a flipped bit": bit,
    "a shard of zeros": lambda store: shard_of(store).write_bytes(bytes(shard_of(store).stat().st_size)),
}


@pytest.mark.parametrize("kind", STORES)
def test_stores(tmp_path, refused, kind):
    store, out = tmp_path / "f.zarr", tmp_path / "mean.zarr"
    tokens = np.random.default_rng(0).normal(size=(3, 4, 5, 16)).astype(np.float16)
    writer = Writer(store, 3, {"tokens": Array((4, 5, 16), "float16", compress=False)}, {"crops": "c"})
    writer.write(range(3), tokens=tokens)
    writer.finish()
    STORES[kind](store)
    refused("mean", "--features", store, "--out", out, says="f.zarr")
    assert not (out / "complete.json").exists()


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
CONFIGURATIONS = {
    "not YAML": "datasets: [",
    "a tab": "datasets:\n\tmine: {}",
    "a word": "hello",
    "a list": "- a\n- b",
    "a number": "3",
    "a list as a key": "? [a, b]\n: 3",
    "an unknown key": "dataests: {mine: {}}",
    "an unknown key below": "datasets: {mine: {roots: x}}",
    "a list of data sets": "datasets: [mine]",
    "a data set of text": "datasets: {mine: photos}",
    "a number as root": "datasets: {mine: {root: 3}}",
    "a list as root": "datasets: {mine: {root: [a, b]}}",
    "an unknown kind": "datasets: {mine: {on_bad_image: stop}}",
    "a share above 1": "datasets: {mine: {val_fraction: 1.5}}",
    "a negative share": "datasets: {mine: {val_fraction: -0.1}}",
    "a share that is no number": "datasets: {mine: {val_fraction: .nan}}",
    "no number of steps": "settings: {steps: many}",
    "negative steps": "settings: {steps: -1}",
    "broken steps": "settings: {steps: 1.5}",
    "a batch of none": "settings: {batch: 0}",
    "an endless rate": "settings: {learning_rate: .inf}",
    "a rate that is no number": "settings: {learning_rate: .nan}",
    "a rate below zero": "settings: {learning_rate: -1.0}",
    "a dropout of 1": "settings: {dropout: 1.0}",
    "an unknown setting": "settings: {step: 3}",
    "an unknown sampler": "settings: {sampling: fsp}",
    "an unknown kernel": "settings: {depth_loss: produkt}",
    "an unknown backbone": "settings: {backbone: dino}",
    "an unknown depth": "settings: {depth: zoe}",
    "settings of text": "settings: fast",
    "seeds of text": "settings: {seeds: one}",
    "no seeds": "settings: {seeds: []}",
    "a negative seed": "settings: {seeds: [-1]}",
    "crops without pixels": "settings: {size: 0}",
    "more samples than tokens": "settings: {samples: 500}",
    "terms of text": "settings: {terms: {self: high}}",
    "an unknown term": "settings: {terms: {selfish: {weight: 1, shift: 0}}}",
    "an unknown experiment below": "datasets: {mine: {experiments: {auto: {stepz: 3}}}}",
    "a backbone of nothing": "backbones: {mine: {}}",
    "a depth source of nothing": "depth_sources: {mine: {}}",
    "a depth source without a name": "depth_sources: {mine: {source: files, larger: farther}}",
    "a preset that is not there": "preset: papers",
    "twice the same key": "settings: {steps: 3}\nsettings: {steps: 5}",
    "twice the same key below": "datasets:\n  mine: {}\n  mine: {root: x}",
    "an alias of nothing": "datasets: *other",
    "an object of Python": "datasets: !!python/object/apply:os.system ['touch pwned']",
    "an anchors bomb": BOMB,
    "an anchor within itself": "datasets: &a {mine: *a}",
    "NUL": 'datasets: {mine: {root: "a\\0b"}}',
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_configurations(tmp_path, refused, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    text = CONFIGURATIONS[kind]
    if "datasets" not in text:
        text = text if kind in ("a word", "a list", "a number") else f"{text}\ndatasets: {{mine: {{}}}}"
    (tmp_path / "own.yaml").write_text(text)
    refused("config", "show", "mine", "auto", "--config-file", "own.yaml", says="")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x80abc"])
def test_a_configuration_of_bytes(tmp_path, refused, data):
    (tmp_path / "own.yaml").write_bytes(data)
    refused("config", "show", "mine", "auto", "--config-file", tmp_path / "own.yaml", says="own.yaml")


def test_a_configuration_that_is_a_folder(tmp_path, refused):
    refused("config", "show", "mine", "auto", "--config-file", tmp_path, says=str(tmp_path))
