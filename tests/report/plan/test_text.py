"""A plan: counts, bytes and work worked out by hand, with no data at all and with stores half there."""

import json

import numpy as np
import pytest
from PIL import Image

from depthg.cli import main
from depthg.config import load_config
from depthg.config.settings import PoolSettings, Settings
from depthg.errors import DepthGError
from depthg.report.plan import probe
from depthg.report.plan.counts import count_images, crops_drawn_at_most, crops_probed_at_most
from depthg.report.plan.text import plan_lines

VIT = {"patch_size": 8, "embed_dim": 12, "depth": 1, "num_heads": 2, "dynamic_img_size": True}
CONFIG = {
    "backbones": {
        "tiny": {"model": "vit_tiny_patch16_224", "args": VIT, "weights": "not/here.pth"},
        "tiny8": {"model": "vit_tiny_patch16_224", "args": VIT, "weights": "not/here.pth", "stored": "int8"},
        "pca": {"of": "tiny", "channels": 6},
    },
    "depth_sources": {"zoe": {"source": "kbr"}},
    "datasets": {
        "coco": {
            "kind": "cocostuff",
            "root": "nowhere",
            "settings": {"backbone": "tiny", "depth": "zoe", "size": 32, "eval_size": 40, "samples": 3},
        },
        "mine": {"root": "mine", "settings": {"backbone": "tiny", "depth": "zoe", "size": 32, "samples": 3}},
        "world": {"kind": "demo", "n_train": 7, "n_val": 2},
    },
    "experiments": {
        "stego": {"batch": 4, "steps": 100},
        "ours": {
            **{"batch": 4, "steps": 100, "sampling": "fps", "depth_loss": "similarity"},
            **{"depth_pairs": "sibling", "lhp": "depth"},
        },
        "attended": {"batch": 4, "steps": 10, "lhp": "attention"},
        "hidden": {
            "batch": 4,
            "steps": 10,
            "objective": "hidden_positives",
            "hidden_positives": {"pool": 64},
        },
        "kmeans": {"head": "identity", "steps": 0},
    },
}


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    """An empty folder, and probes of one piece of work each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(probe, "MIN_SECONDS", 0.0)
    monkeypatch.setattr(probe, "SEARCH_VECTORS", 50)


def text(dataset="coco", experiment="stego", **changes):
    return "\n".join(plan_lines(load_config(CONFIG | changes), dataset, experiment))


def line(whole, start):
    return next(line for line in whole.splitlines() if line.startswith(start)).removeprefix(start).split()


def test_cocostuff_is_planned_with_no_data_there():
    found = text()
    assert found.startswith("coco/stego: 97,702 train, 2,175 val images (expected, not indexed yet)")
    tokens = 488_510 * (4 * 4 * 12 * 2 + 12 * 4)
    assert line(found, "resources/coco/train/features/tiny.zarr") == [
        "488,510",
        f"{tokens / 1e9:.2f}",
        "GB",
        "no",
    ]
    neighbours = 488_510 * (30 * 8 + 4)
    assert line(found, "resources/coco/train/neighbors/tiny.zarr")[1] == f"{neighbours / 1e9:.2f}"
    assert "backbone: 490,685 passes of tiny, 4×4×12 tokens" in found
    assert "schedule: touches at most 800 of 488,510 training crops" in found
    assert "CRF: 4,350 maps of 2,175 images" in found
    assert "depth" not in found.split("time, an estimate")[0]


def test_an_experiment_with_depth_needs_its_stores_and_its_networks():
    found = text(experiment="ours")
    assert "depth: 490,685 maps of zoe" in found
    assert "touches at most 1,200 of 488,510" in found  # a sibling of each anchor as well
    bytes_a_crop = 4 * 4 * 2 + 16 * 2 + 16 * 8 * 4
    geometry = line(found, "resources/coco/train/geometry/tiny/zoe/default.zarr")
    assert geometry[1] == f"{488_510 * bytes_a_crop / 1e9:.2f}"
    assert "  train/geometry/tiny/zoe/default.zarr" in found and "  training" in found


@pytest.mark.parametrize(("experiment", "stage"), [("attended", "attention"), ("hidden", "views")])
def test_what_only_some_experiments_read(experiment, stage):
    found = text(experiment=experiment)
    assert line(found, f"resources/coco/train/{stage}/tiny.zarr")[0] == "488,510"
    assert f"backbone: {490_685 + 488_510:,} passes" in found


def test_flip_runs_the_backbone_once_more_over_validation_crops():
    assert "mirrored" not in text()
    found = text(experiment="stego+flip=true")
    size = 2_175 * (5 * 5 * 12 * 2 + 12 * 4)  # 40 px at 8 px a token
    assert line(found, "resources/coco/val/mirrored/tiny.zarr") == ["2,175", f"{size / 1e6:.1f}", "MB", "no"]
    assert f"backbone: {490_685 + 2_175:,} passes" in found
    assert "  val/mirrored/tiny.zarr" in found.partition("time, an estimate")[2]


def test_a_projected_backbone_needs_the_features_that_it_projects():
    found = text(experiment="stego+backbone=pca+flip=true")
    for split, name, rows in (
        ("train", "features", 488_510),
        ("val", "features", 2_175),
        ("val", "mirrored", 2_175),
    ):
        for backbone in ("tiny", "pca"):
            assert line(found, f"resources/coco/{split}/{name}/{backbone}.zarr")[0] == f"{rows:,}"
    assert line(found, "resources/coco/train/features/tiny.zarr")[1] == "0.21"
    assert f"backbone: {490_685 + 2_175:,} passes of tiny, 4×4×12 tokens" in found
    assert "their tokens take 0.2 MB" in found  # 800 crops of 4×4×6 tokens; before the projection 0.3 MB
    hours = found.partition("time, an estimate")[2]
    assert "  train/features/tiny.zarr" in hours and "  train/features/pca.zarr" not in hours


def test_a_mean_token_has_a_store():
    found = text(experiment="stego+tokens=centred")
    assert line(found, "resources/coco/train/mean/tiny.zarr")[0] == "1"


def test_int8_takes_half():
    whole, half = text("coco", "kmeans"), text("coco", "kmeans+backbone=tiny8")
    assert line(whole, "resources/coco/train/features/tiny.zarr")[1] == "0.21"
    assert line(half, "resources/coco/train/features/tiny8.zarr")[1] == "0.13"  # scales of only 12 channels
    assert "training: 1 × 0 batches" in half and "touches at most 0 of" in half


def test_of_scheduled_crops_only_mean_vectors_are_of_all(tmp_path):
    coco = CONFIG["datasets"]["coco"]
    own = {"training_crops": "scheduled", "batch": 32, "steps": 2334}
    changed = {"datasets": {"coco": coco | {"settings": coco["settings"] | own}}}
    changed["experiments"] = {"kmeans": {"head": "identity", "steps": 0}, "plain": {}}
    for experiment in ("kmeans", "plain"):  # what one of them does not read, the other does
        found = text(experiment=experiment, **changed)
        mean = line(found, "resources/coco/train/pooled/tiny.zarr")
        assert mean[:2] == ["488,510", f"{488_510 * 12 * 4 / 1e6:.1f}"]
        tokens, crops = 149_376 * (4 * 4 * 12 * 2 + 12 * 4), "149,376"
        features = line(found, "resources/coco/scheduled/features/tiny.zarr")
        assert features[:2] == [crops, f"{tokens / 1e6:.1f}"]
        assert line(found, "resources/coco/train/crops.zarr")[0] == "488,510"
        assert f"backbone: {488_510 + 149_376 + 2_175:,} passes" in found
        assert "train/features" not in found
    folder = tmp_path / "resources/coco/scheduled/features/tiny.zarr"
    folder.mkdir(parents=True)
    (folder / "complete.json").write_text(json.dumps({"rows": 130_000}))  # some were drawn twice
    assert (
        line(text(experiment="kmeans", **changed), "resources/coco/scheduled/features/tiny.zarr")[-1] == "yes"
    )


def test_what_is_there_is_not_done_again(tmp_path):
    folder = tmp_path / "resources/coco/train"
    for store, name, rows in (
        ("crops", "complete", 488_510),
        ("features/tiny", "progress", 488_000),
        ("neighbors/tiny", "complete", 5),
    ):
        (folder / f"{store}.zarr").mkdir(parents=True)
        (folder / f"{store}.zarr/{name}.json").write_text(json.dumps({"rows": rows}))
    found = text()
    assert line(found, "resources/coco/train/crops.zarr")[-1] == "yes"
    assert line(found, "resources/coco/train/features/tiny.zarr")[-2:] == ["488,000", "rows"]
    assert line(found, "resources/coco/train/neighbors/tiny.zarr")[-1] == "no"  # of other images


def test_images_are_counted_where_they_are_indexed_expected_or_found(tmp_path):
    sets = load_config(CONFIG).datasets
    assert count_images("world", sets["world"]) == ({"train": 7, "val": 2}, "expected, not indexed yet")
    with pytest.raises(DepthGError, match="mine: no such folder: put images"):
        count_images("mine", sets["mine"])
    for split, count in (("train", 3), ("val", 1)):
        (tmp_path / "mine/images" / split).mkdir(parents=True)
        for place in range(count):
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"mine/images/{split}/{place}.png")
    assert count_images("mine", sets["mine"]) == ({"train": 3, "val": 1}, "found, not indexed yet")
    for split in ("train", "val"):
        (tmp_path / f"resources/coco/{split}").mkdir(parents=True)
        (tmp_path / f"resources/coco/{split}/images.csv").write_text("id,path,label,width,height\n0,a,,8,8\n")
    assert count_images("coco", sets["coco"]) == ({"train": 1, "val": 1}, "indexed")


def test_without_labels_the_crf_refines_a_map_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "crf_seconds", lambda side, classes: 1.0)
    for split, count in (("train", 40), ("val", 20)):
        (tmp_path / "mine/images" / split).mkdir(parents=True)
        for place in range(count):
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"mine/images/{split}/{place}.png")
    for _ in ("found", "indexed"):
        found = text("mine", "stego+clusters=4")
        assert "CRF: 6 maps of 6 images" in found and line(found, "  CRF, on one core") == ["6", "s"]
        (tmp_path / "resources/mine").mkdir(parents=True, exist_ok=True)
        (tmp_path / "resources/mine/classes.csv").write_text("id,name,red,green,blue\n")
    (tmp_path / "resources/mine/classes.csv").write_text("id,name,red,green,blue\n0,sky,0,0,0\n")
    found = text("mine", "stego+clusters=4")
    assert "CRF: 40 maps of 20 images" in found and line(found, "  CRF, on one core") == ["40", "s"]
    assert "CRF" not in text("mine", "stego+clusters=4+crf=false")


def test_crops_that_are_touched():
    paper = Settings()
    assert (
        crops_drawn_at_most(paper, 488_510) == 2334 * 32 * 2 and crops_drawn_at_most(paper, 14_875) == 14_875
    )
    assert crops_drawn_at_most(Settings(seeds=[0, 1]), 488_510) == 2 * 2334 * 32 * 2
    assert crops_drawn_at_most(Settings(steps=0), 100) == 0
    pools = Settings(objective="hidden_positives", hidden_positives=PoolSettings(pool=1000, renew=100))
    assert crops_drawn_at_most(pools, 488_510) == 2334 * 64 + 1000 * 25
    assert crops_probed_at_most(paper, 488_510) == 100_000 // 16 + 500 * 32


def test_as_a_command(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text(json.dumps(CONFIG))
    assert main(["plan", "coco", "stegoo", "--config-file", "c.yaml"]) == 1
    assert "stego" in capsys.readouterr().err
    assert main(["plan", "coco", "kmeans", "--config-file", "c.yaml"]) == 0
    out = capsys.readouterr().out
    assert (
        "time, an estimate" in out and "up to" not in out
    )  # messages about the probe's own stores are hidden
