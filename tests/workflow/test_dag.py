"""The DAG before anything runs, and what a wrong request is told."""

import pytest

STAGES = {
    *("index", "crops", "depth", "features", "neighbors", "geometry"),
    *("train", "cluster", "evaluate", "figure", "collect"),
}


def test_whole_chain_is_planned(project):
    assert project.planned("results/mini/ours_3dlhp/metrics.json") == STAGES


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


def test_scores_want_every_experiment(project):
    done = project.snakemake("results/mini/scores.md", "--dry-run")
    assert all(f"train {name}," in done.stdout for name in ("kmeans", "stego", "ours", "ours_3dlhp"))


@pytest.mark.parametrize(
    ("target", "message"),
    [
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


def test_unknown_key_on_the_command_line(project):
    done = project.snakemake("results/mini/ours/metrics.json", "--dry-run", "--config", "settings={step: 3}")
    assert "unknown setting 'step': did you mean 'steps'?" in done.stdout + done.stderr
