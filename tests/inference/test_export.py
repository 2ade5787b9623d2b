"""From the files of a run to a model's folder: classes, names, card, bundle."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from depthg.cli import main
from depthg.config.recipe import Recipe
from depthg.config.settings import Settings, TrainSettings
from depthg.data.classes import named_classes, write_classes
from depthg.data.clusters import FILE, ClusterEntry, write_entries
from depthg.data.records import ImageRecord
from depthg.data.table import write_records
from depthg.errors import DepthGError
from depthg.evaluation.probes import Probes
from depthg.inference import config as names
from depthg.inference.config import read_config
from depthg.inference.export import export, outputs_of
from depthg.inference.segmenter import Segmenter
from depthg.models.checkpoint import Model, save_model
from depthg.store.arrays import Array
from depthg.store.writer import Writer

ENTRY = ClusterEntry()
CLASSES = named_classes(["road", "sky", "tree"])


def test_without_labels_classes_are_the_clusters():
    classes, class_of = outputs_of([ENTRY] * 3, {}, named_classes([]), "clusters.yaml")
    assert [one.name for one in classes] == ["cluster 0", "cluster 1", "cluster 2"]
    assert class_of == [0, 1, 2] and len({one.color for one in classes}) == 3


def test_with_labels_ids_are_those_of_the_data_set_and_other_clusters_follow():
    matching = {"0": "tree", "1": None, "2": "road", "3": None, "4": "sky"}
    classes, class_of = outputs_of([ENTRY] * 5, matching, CLASSES, "clusters.yaml")
    assert [one.name for one in classes] == ["road", "sky", "tree", "cluster 1", "cluster 3"]
    assert class_of == [2, 3, 0, 4, 1]
    assert [one.color for one in classes[:3]] == list(CLASSES.colors)


def test_a_class_without_a_cluster_keeps_its_id():
    classes, class_of = outputs_of([ENTRY] * 2, {"0": "tree", "1": "road"}, CLASSES, "clusters.yaml")
    assert [one.name for one in classes] == ["road", "sky", "tree"] and class_of == [2, 0]


def test_named_and_merged_clusters_speak_over_the_labels():
    entries = [ClusterEntry(name="water", colour="#0000ff"), ENTRY, ClusterEntry(**{"as": 0}), ENTRY]
    classes, class_of = outputs_of(entries, {"0": "tree", "1": "road", "2": None}, CLASSES, "clusters.yaml")
    assert [one.name for one in classes] == ["water", "road", "cluster 3"] and class_of == [0, 1, 0, 2]
    assert classes[0].color == (0, 0, 255) and classes[1].color == CLASSES.colors[0]


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """A folder in which `auto` was run on a data set `mini`: three clusters, of which one is matched."""
    monkeypatch.chdir(tmp_path)
    seed = tmp_path / "results/mini/auto/seed1"
    seed.mkdir(parents=True)
    recipe = Recipe(
        settings=Settings(
            backbone="tiny", eval_size=48, code_dim=6, seeds=[1], selection="stability", clusters=3
        ),
        network="tiny",
        backbone=made.spec,
    )
    torch.manual_seed(0)
    save_model(Model(recipe.settings.slice(TrainSettings), 12), seed / "model.safetensors")
    Probes(torch.nn.functional.normalize(torch.randn(3, 6), dim=1), None).save(
        seed / "probes.safetensors", {}
    )
    block = {"accuracy": 71.25, "miou": 40.5, "per_class": {}}
    metrics = {
        "unsupervised": block,
        "unsupervised_crf": None,
        "matching": {"0": None, "1": "sky", "2": None},
        "counts": {"images": 2, "pixels": 100},
    }
    (seed / "metrics.json").write_text(json.dumps(metrics))
    write_classes(tmp_path / "resources/mini/classes.csv", CLASSES)
    for split, short in (("train", 60), ("val", 80)):
        records = [ImageRecord(i, f"{i}.png", "", 90, short) for i in range(3)]
        write_records(tmp_path / f"resources/mini/{split}/images.csv", ImageRecord, records)
    return recipe


def test_an_exported_model_tells_where_it_comes_from(run, tmp_path):
    export("mini", "auto", run, 1, tmp_path / "model")
    config = read_config(tmp_path / "model")
    assert (config.side, config.typical_side, config.backbone.name) == (48, 60, "tiny")
    assert [one.name for one in config.classes] == ["road", "sky", "tree", "cluster 0", "cluster 2"]
    card = (tmp_path / "model" / names.CARD).read_text()
    for text in (
        "pipeline_tag: image-segmentation",
        "| unsupervised | 71.2 | 40.5 |",
        "3 train, 3 val",
        "without labels",
    ):
        assert text in card
    assert Segmenter.from_pretrained(tmp_path / "model")(np.zeros((30, 40, 3), np.uint8)).labels.shape == (
        30,
        40,
    )


def test_a_bundle_needs_no_other_file(run, made, tmp_path, picture):
    export("mini", "auto", run, 1, tmp_path / "plain")
    export("mini", "auto", run, 1, tmp_path / "bundle", bundle=True)
    expected = Segmenter.from_pretrained(tmp_path / "plain")(picture(48, 48)).labels
    (made.root / "tiny.safetensors").unlink()
    np.testing.assert_array_equal(
        Segmenter.from_pretrained(tmp_path / "bundle")(picture(48, 48)).labels, expected
    )
    with pytest.raises(DepthGError, match=r"tiny\.safetensors"):
        Segmenter.from_pretrained(tmp_path / "plain")


def test_nothing_stays_of_a_former_model_in_the_folder(run, tmp_path):
    """Its axes would be applied, and its backbone be uploaded as if it were part of the model."""
    for former in ({"bundle": True}, {}):
        export("mini", "auto", run, 1, tmp_path / "model", **former)
    files = {path.name for path in (tmp_path / "model").iterdir()}
    assert files == {names.HEAD, names.PROBES, names.CARD, names.CONFIG}
    save_file({"axes": torch.ones(12, 5)}, tmp_path / "model" / names.AXES)
    export("mini", "auto", run, 1, tmp_path / "model")
    assert not (tmp_path / "model" / names.AXES).exists()


@pytest.mark.parametrize("refused", ["axes", "weights"])
def test_what_is_refused_leaves_the_former_model_as_it_is(run, tmp_path, refused):
    out = tmp_path / "model"
    export("mini", "auto", run, 1, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    if refused == "axes":
        settings = run.settings.model_copy(update={"backbone": "tiny_axes"})
        with pytest.raises(FileNotFoundError, match=r"tiny_axes\.npy"):
            export("mini", "auto", run.model_copy(update={"settings": settings}), 1, out)
    else:
        store(tmp_path / "resources/mini/val/features/tiny.zarr").finish()
        with pytest.raises(DepthGError, match="its weights are not those of the features"):
            export("mini", "auto", run, 1, out, bundle=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def store(path):
    """A writer of features by weights that there are no more."""
    writer = Writer(path, 1, {"features": Array((2,), "float16")}, {"weights": "0" * 16})
    writer.write(range(1), features=np.zeros((1, 2), np.float16))
    return writer


def test_features_that_are_just_made_anew_say_nothing_of_the_weights(run, tmp_path):
    store(tmp_path / "resources/mini/val/features/tiny.zarr")
    export("mini", "auto", run, 1, tmp_path / "model")
    assert read_config(tmp_path / "model").backbone.hash is None


def test_the_axes_of_a_projected_backbone_come_with_it(run, tmp_path):
    """In the order of columns, as `depthg axes` writes them: safetensors takes rows alone."""
    axes = np.asfortranarray(np.random.default_rng(0).normal(size=(12, 12)).astype(np.float32))
    (tmp_path / "resources/mini/train/axes").mkdir()
    np.save(tmp_path / "resources/mini/train/axes/tiny_axes.npy", axes)
    settings = run.settings.model_copy(update={"backbone": "tiny_axes"})
    export("mini", "auto", run.model_copy(update={"settings": settings}), 1, tmp_path / "model")
    np.testing.assert_array_equal(load_file(tmp_path / "model" / names.AXES)["axes"], axes)


def test_names_of_clusters_are_followed(run, tmp_path):
    probes = tmp_path / "results/mini/auto/seed1/probes.safetensors"
    entries = [ENTRY, ClusterEntry(name="roof"), ClusterEntry(**{"as": 1})]
    write_entries(tmp_path / "results/mini/auto" / FILE, probes, entries)
    export("mini", "auto", run, 1, tmp_path / "model")
    config = read_config(tmp_path / "model")
    assert [one.name for one in config.classes] == ["cluster 0", "roof"] and config.class_of == [0, 1, 1]


def test_names_are_those_of_the_lowest_seed(run, tmp_path, capsys):
    """clusters.yaml is of its probe: another seed goes without names, but the lowest must not do so unseen."""
    results = tmp_path / "results/mini/auto"
    shutil.copytree(results / "seed1", results / "seed2")
    Probes(torch.eye(3, 6), None).save(results / "seed2/probes.safetensors", {})
    entries = [ENTRY, ClusterEntry(name="roof"), ENTRY]
    write_entries(results / FILE, results / "seed1/probes.safetensors", entries)
    export("mini", "auto", run, 2, tmp_path / "model")
    assert "roof" not in [one.name for one in read_config(tmp_path / "model").classes]
    assert f"{FILE}: names the clusters of another seed" in capsys.readouterr().out
    write_entries(results / FILE, results / "seed2/probes.safetensors", entries)
    export("mini", "auto", run, 2, tmp_path / "model")
    assert "roof" in [one.name for one in read_config(tmp_path / "model").classes]
    with pytest.raises(DepthGError, match="names the clusters of another probe"):
        export("mini", "auto", run, 1, tmp_path / "model")


def test_without_a_seed_it_is_the_lowest_which_the_workflow_evaluates_first(run, tmp_path):
    recipe = run.model_copy(update={"settings": run.settings.model_copy(update={"seeds": [3, 1, 2]})})
    assert main(["export", "mini", "auto", "--recipe", recipe.model_dump_json()]) == 0
    assert read_config(tmp_path / "results/mini/auto/model").about["seed"] == 1


def test_a_run_that_is_not_there_is_said(run, tmp_path):
    with pytest.raises(
        DepthGError, match=r"seed7/metrics\.json: missing or not JSON: make it with `snakemake"
    ):
        export("mini", "auto", run, 7, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_mask_is_indexed_in_the_colours_of_the_classes(run, tmp_path, picture):
    export("mini", "auto", run, 1, tmp_path / "model")
    found = Segmenter.from_pretrained(tmp_path / "model")(picture(20, 30))
    found.save(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.mode == "P"
        np.testing.assert_array_equal(np.asarray(mask), found.labels)
        np.testing.assert_array_equal(np.asarray(mask.convert("RGB")), found.paint())
