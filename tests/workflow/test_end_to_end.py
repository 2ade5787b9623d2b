"""The whole chain on a miniature, as a user runs it."""

import base64
import copy
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from depthg.cli import main
from depthg.runtime.files import file_hash
from depthg.runtime.gpus import count_gpus

from .conftest import SECRETS, SETTINGS, Project, make_photos, watched

RESULT = "results/mini/ours_3dlhp/metrics.json"
BLOCKS = ("unsupervised", "unsupervised_crf", "linear", "linear_crf", "many_to_one", "many_to_one_crf")
ABOVE_THE_LINE = {"index", "crops", "depth", "features", "neighbors", "geometry"}


@pytest.fixture(scope="module")
def metrics(finished):
    return json.loads((finished.folder / RESULT).read_text())


@pytest.fixture
def edited(finished):
    """The finished project with a configuration of its own."""
    kept = copy.deepcopy(finished.config)
    yield finished
    finished.config = kept


def test_metrics_have_their_fixed_form(metrics):
    facts = {key: metrics[key] for key in ("dataset", "experiment", "backbone", "depth", "preset", "seeds")}
    assert facts == {
        "dataset": "mini",
        "experiment": "ours_3dlhp",
        "backbone": "tiny",
        "depth": "sensor",
        "preset": "paper",
        "seeds": [0, 1],
    }
    assert metrics["n_images"] == 3
    for block in BLOCKS:
        for score in ("accuracy", "miou"):
            number = metrics[block][score]
            assert set(number) == {"mean", "std", "values"} and len(number["values"]) == 2
            assert all(0 <= value <= 100 for value in number["values"])
        assert metrics[block]["per_class"].keys() == {"ground", "disc"}
    assert {"configuration_hash", "versions", "git_commit", "durations", "matching"} <= metrics.keys()
    assert any("train" in stage for stage in metrics["durations"])


def test_there_is_one_gpu_job_for_each_gpu_or_without_any_for_each_core(finished):
    expected = count_gpus() or 2
    logs = (log.read_text() for log in (finished.folder / ".snakemake/log").glob("*.log"))
    provided = [found for log in logs for found in re.findall(r"Provided resources: .*gpu\D+(\d+)", log)]
    assert set(provided) == {str(expected)}


def test_artifacts_are_where_the_design_says(finished):
    for path in (
        "resources/mini/train/crops.zarr/complete.json",
        "resources/mini/train/geometry/tiny/sensor/small.zarr/complete.json",
        "results/mini/ours_3dlhp/seed1/model.safetensors",
        "results/mini/ours_3dlhp/seed1/history.jsonl",
        "results/mini/ours_3dlhp/figure.png",
    ):
        assert (finished.folder / path).is_file(), path


def test_all_images_are_segmented_by_the_model_of_the_first_seed(finished):
    target = "results/mini/ours_3dlhp/masks/areas.csv"
    done = finished.snakemake(target)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = finished.folder / "results/mini/ours_3dlhp"
    model = json.loads((folder / "model/config.json").read_text())
    assert model["about"]["seed"] == 0 and [one["name"] for one in model["classes"]] == ["ground", "disc"]
    names = {
        f"{split}/{number}.png" for split, count in (("train", 6), ("val", 3)) for number in range(count)
    }
    assert {str(path.relative_to(folder / "masks")) for path in folder.glob("masks/*/*.png")} == names
    with Image.open(folder / "masks/val/2.png") as mask:
        assert mask.size == (96, 72)
    named = folder / "clusters.yaml"
    named.write_text(
        f"probe: {file_hash(folder / 'seed0/probes.safetensors')}\nclusters:\n- {{name: moon}}\n"
    )
    try:
        assert finished.planned(target) == {"export", "masks"}
    finally:
        named.unlink()


def test_no_process_listens_or_turns_to_an_address(finished):
    """Not even to a socket of the same machine: worker processes are spoken to through pipes."""
    notes = (finished.folder / "addresses").read_text().splitlines()
    began = [line for line in notes if line.startswith("began")]
    for process in ("snakemake", "depthg depth", "depthg train", "depthg evaluate", "spawn_main"):
        assert any(process in line for line in began), process
    # At its import urllib3, which Snakemake uses, tries whether this machine has IPv6, and listens to nothing.
    probe = r"socket\.bind \(\('::1', 0\),\) by '\S+ -m snakemake "
    assert [line for line in notes if line not in began and not re.match(probe, line)] == []


def test_the_notes_of_addresses_would_show_one(tmp_path):
    """Else the test above could not fail: of a process that another one started."""
    code = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True)"
    env = os.environ | watched(tmp_path / "addresses")
    subprocess.run([sys.executable, "-c", start], env=env, check=True)
    assert "socket.bind (('127.0.0.1', 0),)" in (tmp_path / "addresses").read_text()


def test_no_file_holds_a_secret_of_the_environment(finished):
    files = [path for path in finished.folder.rglob("*") if path.is_file()]
    assert {"train.log", "metrics.json", "history.jsonl", "figure.png"} <= {path.name for path in files}
    secrets = [value.encode() for value in SECRETS.values()] + [b"plantedPassword"]
    for path in files:
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path
    assert not any(secret.decode() in finished.printed for secret in secrets)


def test_second_call_has_nothing_to_do(finished):
    done = finished.snakemake(RESULT)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr


def test_the_report_shows_the_figure_and_the_scores_with_captions(finished):
    done = finished.snakemake(RESULT, "--report", "report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (finished.folder / "report.html").read_text()
    for text in ("Validation images as the first seed of ours_3dlhp", "over\\n2 seeds", "guided by depth"):
        assert text in page


def test_the_page_of_results_shows_depth_points_scores_and_training(edited):
    edited.config["compared"] = ["ours_3dlhp"]
    done = edited.snakemake("results/mini/report/index.html")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (edited.folder / "results/mini/report/index.html").read_text()
    for shown in (
        "Depth, near is light",
        "64 tokens that farthest-point sampling",
        "Confusion of ours_3dlhp",
    ):
        assert shown in page
    assert (
        "Training of ours_3dlhp" in page and "Share pulled together: " in page and "There is no floor" in page
    )


def test_interrupted_job_runs_again_without_a_flag(finished):
    """Snakemake marks what a killed job leaves as incomplete, by the path in base64, and stops by default."""
    marker = finished.folder / ".snakemake/incomplete" / base64.b64encode(RESULT.encode()).decode()
    marker.parent.mkdir(exist_ok=True)
    marker.touch()
    try:
        assert finished.planned(RESULT) == {"collect"}
    finally:
        marker.unlink()


def test_other_lambda_reruns_training_and_what_follows(edited):
    edited.config["experiments"] = {"ours_3dlhp": {"terms": {"depth": {"weight": 0.5}}}}
    assert edited.planned(RESULT) == {"train", "cluster", "evaluate", "figure", "collect"}


def test_other_crf_setting_reruns_no_training(edited):
    edited.config["settings"]["crf"] = False
    assert edited.planned(RESULT) == {"evaluate", "figure", "collect"}


def test_more_clusters_than_classes_are_matched_by_training_labels_besides(finished):
    target = "results/mini/kmeans+clusters=5+matching=train/seed0/metrics.json"
    done = finished.snakemake(target)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((finished.folder / target).read_text())
    assert found["reasons"] == {} and list(found["matching"].values()).count(None) == 3
    assert found["train_matched"]["accuracy"] <= found["unsupervised"]["accuracy"]
    assert found["unsupervised"]["accuracy"] <= found["many_to_one"]["accuracy"]
    assert found["train_many_to_one_crf"]["accuracy"] <= found["many_to_one_crf"]["accuracy"]


def test_further_experiment_computes_nothing_shared(edited):
    assert not edited.planned("results/mini/stego/metrics.json") & ABOVE_THE_LINE


def test_other_crops_rebuild_everything_made_from_them(edited):
    edited.config["datasets"]["mini"]["settings"]["size"] = 48
    assert edited.planned(RESULT) >= ABOVE_THE_LINE - {"index"} | {"train"}


def test_same_seed_same_bytes(finished, metrics):
    done = finished.snakemake(RESULT, "--forcerun", "train")
    assert done.returncode == 0, done.stdout + done.stderr
    again = json.loads((finished.folder / RESULT).read_text())
    del again["durations"]
    assert again == {key: value for key, value in metrics.items() if key != "durations"}


@pytest.mark.slow
def test_the_released_preset_runs_the_whole_chain(edited):
    mini = edited.config["datasets"]["mini"]
    own = mini["settings"] | {"samples": 5, "steps": 9, "seeds": [0]}
    edited.config["datasets"]["old"] = mini | {"preset": "released", "settings": own}
    edited.config["settings"] = {}
    done = edited.snakemake("results/old/ours_3dlhp/metrics.json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((edited.folder / "results/old/ours_3dlhp/metrics.json").read_text())
    assert result["preset"] == "released" and result["unsupervised"]["miou"]["mean"] > 0
    assert any("val/mirrored/tiny" in stage for stage in result["durations"])
    history = (edited.folder / "results/old/ours_3dlhp/seed0/history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in history] == [0, 1, 2]  # a third of the steps, each looked at
    assert all({"score", "codebook"} <= json.loads(line).keys() for line in history)


@pytest.mark.slow
def test_a_failing_run_does_not_lose_its_table(edited):
    rows = [
        {"system": "fine", "experiment": "ours_3dlhp"},
        {"system": "broken", "experiment": "kmeans+steps=3"},  # nothing to train
    ]
    edited.config["tables"] = {
        "mine": {"title": "Mine", "dataset": "mini", "reference": "ours_3dlhp", "rows": rows}
    }
    done = edited.snakemake("results/tables/mine.md", "--keep-going")
    assert done.returncode == 1
    lines = (edited.folder / "results/tables/mine.md").read_text().splitlines()
    assert "| broken | tiny | failed | – | failed | – | – |" in lines
    assert any(re.fullmatch(r"\| fine \| tiny \| \d+\.\d ± .* \| 0, 1 \|", line) for line in lines)
    assert (edited.folder / "results/tables/mine.csv").is_file()


def test_auto_needs_no_label(tmp_path, project):
    unlabelled = Project(tmp_path)
    make_photos(tmp_path / "photos", train=6, val=3)
    for answers in (tmp_path / "photos/labels", tmp_path / "photos/depth"):
        shutil.rmtree(answers)
    (tmp_path / "photos/classes.txt").unlink()
    shutil.copy(project.folder / "tiny.safetensors", tmp_path)
    unlabelled.config["datasets"]["mini"]["settings"] = SETTINGS | {"clusters": 3}
    done = unlabelled.snakemake("results/mini/auto+steps=6/metrics.json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = tmp_path / "results/mini/auto+steps=6"
    found = json.loads((result / "metrics.json").read_text())
    assert found["unsupervised"] is None and found["reasons"]["unsupervised"] == "no labels"
    assert (result / "figure.png").stat().st_size > 1000
    looks = [json.loads(line)["step"] for line in (result / "seed0/history.jsonl").read_text().splitlines()]
    assert {0, 2, 5} <= set(looks)
    done = unlabelled.snakemake("results/mini/auto+steps=6/stability/2-3.png")
    assert done.returncode == 0 and "peaks of agreement: none" in done.stderr, done.stdout + done.stderr
    assert json.loads((result / "stability/2-3.json").read_text())["suggested"] in (2, 3)
    assert main(["clusters", "name", str(result), "1=disc"]) == 0
    assert unlabelled.planned("results/mini/auto+steps=6/figure.png") == {"figure"}
