"""The DAG before anything runs, and what a wrong request is told."""

import re
import shutil
import subprocess

import pytest

from depthg.data.records import ImageRecord, index_again, read_images
from depthg.data.table import write_records
from tests.workflow.conftest import make_project

LEAN = {"index", "crops", "features", "neighbors", "train"}
STAGES = {
    *("index", "crops", "depth", "features", "neighbors", "geometry"),
    *("train", "cluster", "evaluate", "figure", "collect"),
}


def test_whole_chain_is_planned(project):
    assert project.planned("results/mini/ours_3dlhp/metrics.json") == STAGES


def test_the_report_needs_what_it_shows_of_the_compared_experiments(project, monkeypatch):
    monkeypatch.setitem(project.config, "compared", ["kmeans", "ours"])
    assert project.planned("results/mini/report/index.html") == STAGES | {"correlations", "report"}
    monkeypatch.setitem(project.config, "compared", ["kmeans", "stego"])
    assert project.planned("results/mini/report/index.html") == STAGES - {"depth", "geometry"} | {
        *("correlations", "report")
    }


@pytest.mark.parametrize("experiment", ["lhp", "ours_attention", "stego_hp", "stego+tokens=centred"])
def test_what_the_terms_ask_needs_no_store_of_mixed_codes_or_views(project, experiment):
    planned = project.planned(f"results/mini/{experiment}/correlations.png")
    depth = {"depth", "geometry"} if experiment == "ours_attention" else set()
    mean = {"mean"} if "centred" in experiment else set()
    assert planned == LEAN - {"train"} | {"correlations"} | depth | mean


def test_numbers_of_clusters_are_tried_on_what_was_trained(project):
    assert project.planned("results/mini/stego/stability/2-9.png") == LEAN | {"stability"}


def test_stego_reads_no_geometry(project):
    assert project.planned("results/mini/stego/seed0/model.safetensors") == {
        *("index", "crops", "features", "neighbors", "train")
    }


def test_stego_waits_for_no_depth_network(project):
    assert project.planned("results/mini/stego/metrics.json") == STAGES - {"depth", "geometry"}


@pytest.mark.parametrize(
    ("setting", "file"),
    [
        ("backbone: dino_vits8_300ep", "dino_deitsmall8_300ep_pretrain.pth"),
        ("depth: kbr", "kbr.ckpt"),
    ],
)
def test_published_files_are_fetched_first(project, setting, file):
    done = project.snakemake(
        "results/mini/ours/seed0/model.safetensors", "--dry-run", "--config", f"settings={{{setting}}}"
    )
    assert f"fetch resources/weights/{file}" in done.stdout + done.stderr


def test_scores_want_the_main_experiments(project):
    done = project.snakemake("results/mini/scores.md", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trained(done) == {"kmeans", "stego", "ours", "ours_3dlhp", "auto"}


def trained(done) -> set[str]:
    """The experiments that a dry run would train."""
    return set(re.findall(r": train (\S+), seed 0", done.stdout + done.stderr))


@pytest.mark.parametrize(
    ("table", "experiments"),
    [
        ("table3", {"kmeans", "stego", "ours", "ours_3dlhp"}),
        ("table4", {"stego", "correlation", "fps", "lhp", "ours", "ours_3dlhp"}),
        ("table5", {"ours", "ours+geometry=plane", "ours+geometry=shuffled", "ours+geometry=inverted"}),
    ],
)
def test_a_table_wants_its_experiments_on_the_networks_of_the_data_set(project, table, experiments):
    done = project.snakemake(f"results/tables/mini/{table}.md", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trained(done) == experiments


def test_tables_of_a_data_set_are_one_target(project):
    for kind in ("attention", "views"):  # as if made
        marker = project.folder / f"resources/mini/train/{kind}/tiny.zarr/complete.json"
        marker.parent.mkdir(parents=True)
        marker.write_text("{}")
    try:
        done = project.snakemake("tables", "--dry-run", "--config", "dataset=mini")
    finally:
        shutil.rmtree(project.folder / "resources")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"results/tables/mini/table{number}.md" in done.stdout for number in range(1, 7))
    assert "stego_hp" in trained(done) and not any("vitb8" in name for name in trained(done))


def test_tables_on_a_cnn_leave_attention_out(project):
    kept = project.config["backbones"]["tiny"]
    project.config["backbones"]["tiny"] = {"model": "resnet50", "args": {"output_stride": 8}}
    try:
        done = project.snakemake("results/tables/mini/table6.md", "--dry-run")
        assert trained(done) == {"ours", "ours_3dlhp"}
        assert "propagation" in project.planned("results/mini/figures/propagation.png")
    finally:
        project.config["backbones"]["tiny"] = kept


def test_an_unknown_depth_source_is_no_obstacle(project):
    rows = [
        {"system": "a", "experiment": "ours"},
        {"system": "b", "experiment": "ours+depth=nowhere"},
    ]
    table = {"title": "t", "dataset": "mini", "reference": "ours", "rows": rows}
    project.config["tables"] = {"mine": table}
    try:
        assert trained(project.snakemake("results/tables/mine.md", "--dry-run")) == {"ours"}
    finally:
        del project.config["tables"]


@pytest.mark.parametrize(
    ("figure", "rules"),
    [
        ("sampling", STAGES - {"train", "cluster", "evaluate", "figure", "collect"}),
        ("comparison", STAGES - {"figure", "collect"} | {"mean", "mirrored"}),
        ("worst", STAGES - {"figure", "collect"}),
    ],
)
def test_figures_of_the_paper_are_targets(project, figure, rules):
    assert project.planned(f"results/mini/figures/{figure}.png") - {figure} <= rules | {"depth"}
    assert figure in project.planned(f"results/mini/figures/{figure}.png")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("results/tables/mni/table4.md", "unknown dataset 'mni': did you mean 'mini'?"),
        ("results/mni/ours/metrics.json", "unknown dataset 'mni': did you mean 'mini'?"),
        ("results/mini/our/metrics.json", "unknown experiment 'our': did you mean 'ours'?"),
        ("results/mine/ours/metrics.json", "data set mine: missing: data/mine (a folder of images"),
        ("results/cocostuff/ours_3dlhp/metrics.json", "data/cocostuff/images/train2017 (train2017.zip)"),
    ],
)
def test_wrong_request_is_explained(project, target, message):
    done = project.snakemake(target, "--dry-run")
    assert done.returncode == 1
    assert message in done.stdout + done.stderr


def test_a_data_set_is_indexed_again_by_the_command_that_errors_name(tmp_path):
    """Also where the labels that an experiment asks for were put there after the first time."""
    own = make_project(tmp_path)
    own.config["settings"] = {"matching": "train"}
    command = index_again("mini").strip("`").split()
    assert command[:4] == ["snakemake", "--cores", "2", "--force"]
    table = tmp_path / command[4]
    write_records(table, ImageRecord, [ImageRecord(0, "photos/images/train/0.png", "", 96, 72)])
    done = own.snakemake("results/mini/kmeans/metrics.json", "--dry-run")
    assert index_again("mini") in done.stdout + done.stderr
    done = own.snakemake(command[4], "--force")
    assert done.returncode == 0 and all(record.label for record in read_images(table))


def test_unknown_key_on_the_command_line(project):
    done = project.snakemake("results/mini/ours/metrics.json", "--dry-run", "--config", "settings={step: 3}")
    assert "unknown setting 'step': did you mean 'steps'?" in done.stdout + done.stderr


def test_hidden_positives_want_a_view_and_no_depth(project):
    assert project.planned("results/mini/stego_hp/seed0/model.safetensors") == LEAN | {"views"}
    without = "results/mini/stego_hp+hidden_positives.consistency=0/seed0/model.safetensors"
    assert project.planned(without) == LEAN


def test_the_mean_token_is_made_where_it_is_taken_off(project):
    assert project.planned("results/mini/stego+tokens=centred/seed0/model.safetensors") == LEAN | {"mean"}
    assert "mean" in project.planned("results/mini/kmeans+tokens=centred/seed0/model.safetensors")
    assert project.planned("results/mini/auto/metrics.json") == STAGES - {"depth", "geometry"} | {
        "mean",
        "mirrored",
    }


FLIP = "settings={flip: true}"


def test_codes_are_averaged_with_those_of_mirrored_crops_only_where_it_is_asked_for(project):
    target = "results/mini/ours/metrics.json"
    assert project.planned(target) == STAGES
    assert project.planned(target, FLIP) == STAGES | {"mirrored"}
    assert "mirrored" not in project.planned(target.replace("metrics.json", "seed0/model.safetensors"), FLIP)


def test_mirrored_features_are_made_in_parts_and_projected_as_the_features_are(project):
    done = project.snakemake("results/mini/ours/metrics.json", "--dry-run", "--config", FLIP, "parts=3")
    assert re.search(r"^mirrored_part +3$", done.stdout + done.stderr, re.M)
    project.config["backbones"]["few"] = {"of": "tiny", "channels": 6}
    try:
        target = "results/mini/kmeans+backbone=few/metrics.json"
        assert project.planned(target, FLIP) >= {"axes", "project", "mirrored"}
        done = project.snakemake(target, "--dry-run", "--config", FLIP)
        assert "mini: few mirrored of val crops" in done.stdout + done.stderr
        assert "mirrored" not in project.planned(target)
    finally:
        del project.config["backbones"]["few"]


def test_attention_is_made_where_codes_are_mixed_by_it(project):
    planned = project.planned("results/mini/ours_attention/seed0/model.safetensors")
    assert planned == LEAN | {"depth", "geometry", "attention"}


def test_all_attention_is_made_where_codes_are_mixed_as_released(project):
    planned = project.planned("results/mini/ours_attention+mixing=released/seed0/model.safetensors")
    assert planned == LEAN | {"depth", "geometry", "attention_maps"}


@pytest.mark.parametrize(("change", "given"), [("+matching=train", "train"), ("", None)])
def test_training_crops_are_evaluated_only_to_match_clusters_by_them(project, change, given):
    target = f"results/mini/stego{change}/seed0/metrics.json"
    done = project.snakemake(target, "--dry-run", "--printshellcmds")
    assert done.returncode == 0, done.stdout + done.stderr
    (command,) = re.findall("depthg evaluate .*", done.stdout + done.stderr, re.M)
    options = re.search(r"--training (\S+) (\S+) --settings", command)
    paths = [f"resources/mini/{given}/{store}.zarr/complete.json" for store in ("features/tiny", "crops")]
    assert (list(options.groups()) if options else None) == (given and paths)


def test_to_match_by_training_labels_without_any_is_refused_before_anything_runs(project):
    labels, away = (project.folder / "photos/labels" / name for name in ("train", "away"))
    labels.rename(away)
    try:
        done = project.snakemake("results/mini/stego+matching=train/metrics.json", "--dry-run")
    finally:
        away.rename(labels)
    assert done.returncode == 1
    message = "data set mini: no training image has a label, and settings: matching: train needs some"
    assert message in done.stdout + done.stderr


@pytest.mark.parametrize(("change", "refused"), [("", True), ("+clusters=3", False)])
def test_an_open_number_of_clusters_is_refused_before_anything_runs(project, change, refused):
    photos, away = project.folder / "photos", project.folder / "away"
    away.mkdir()
    told = ("labels", "classes.txt")
    for name in told:
        (photos / name).rename(away / name)
    try:
        done = project.snakemake(f"results/mini/auto{change}/metrics.json", "--dry-run")
    finally:
        for name in told:
            (away / name).rename(photos / name)
        away.rmdir()
    printed = done.stdout + done.stderr
    assert done.returncode == refused, printed
    assert ("data set mini: no labels, so the number of clusters is open" in printed) == refused


def test_a_backbone_without_attention_is_refused_before_anything_runs(project):
    target = "results/mini/ours_attention+backbone=resnet50/metrics.json"
    done = project.snakemake(target, "--dry-run")
    assert done.returncode == 1
    assert "backbone resnet50: lhp: attention needs a plain ViT" in done.stdout + done.stderr


SCHEDULED = "settings={training_crops: scheduled}"


def test_a_pool_larger_than_the_data_is_refused_before_anything_runs(project):
    target = "results/mini/stego_hp+hidden_positives.pool=1921/metrics.json"
    done = project.snakemake(target, "--dry-run")
    assert done.returncode == 1  # 6 images, five crops of each, 8 × 8 tokens of a crop
    message = (
        "pool: 1921 references, but the 30 training crops of mini (found, not indexed yet) have 1920 tokens"
    )
    assert message in done.stdout + done.stderr
    assert project.snakemake(target.replace("1921", "1920"), "--dry-run").returncode == 0


PARTS = {"crops_part", "depth_part", "features_part"}
GEOMETRY = "resources/mini/train/geometry/tiny/sensor/small.zarr/complete.json"


def test_stores_are_made_in_as_many_parts_as_configured(project):
    done = project.snakemake(GEOMETRY, "--dry-run", "--config", "parts=3")
    for rule in PARTS:
        assert re.search(rf"^{rule} +3$", done.stdout + done.stderr, re.M)
        assert re.search(rf"^{rule.removesuffix('_part')} +1$", done.stdout + done.stderr, re.M)
    assert "mini: crop train images --part 2/3" in done.stdout + done.stderr


def test_the_graph_of_rules_has_each_stage_once(project):
    done = project.snakemake("results/mini/ours_3dlhp/metrics.json", "--rulegraph")
    assert done.returncode == 0, done.stderr
    assert sorted(re.findall(r'label = "(\w+)"', done.stdout)) == sorted(STAGES)


def test_a_store_made_as_a_whole_has_no_parts(project):
    assert not project.planned(GEOMETRY) & PARTS


def test_no_parts_are_refused(project):
    done = project.snakemake(GEOMETRY, "--dry-run", "--config", "parts=0")
    assert done.returncode == 1
    assert "config.yaml: parts: Input should be greater than" in done.stdout + done.stderr


def test_of_scheduled_crops_only_mean_vectors_are_of_all(project):
    planned = project.planned("results/mini/ours/seed0/model.safetensors", SCHEDULED)
    assert planned == {
        "index",
        "crops",
        "pooled",
        "neighbors",
        "scheduled",
        "depth",
        "features",
        "geometry",
        "train",
    }
    done = project.snakemake("results/mini/stego_hp/metrics.json", "--dry-run", "--config", SCHEDULED)
    assert "hidden_positives draws from all crops: set training_crops to all" in done.stdout + done.stderr
    done = project.snakemake("results/mini/ours+batch=5/metrics.json", "--dry-run", "--config", SCHEDULED)
    assert "scheduled crops are those that backbone, steps, batch" in done.stdout + done.stderr


def test_a_key_that_is_given_twice_is_refused_although_snakemake_reads_the_file_first(project):
    call = project.call("results/mini/ours/metrics.json", "--dry-run")
    with (project.folder / "mini.yaml").open("a") as stream:
        stream.write("preset: paper\npreset: released\n")
    done = subprocess.run(**call, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search(r"mini\.yaml: not YAML: line \d+: 'preset' is given twice", done.stdout + done.stderr)
