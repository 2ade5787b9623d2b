"""Hidden positives in the workflow: what is made for them, that nobody else waits for it, and that it runs."""

import json

HP = "results/mini/stego_hp+lhp=attention+hidden_positives.pool=64/seed0/model.safetensors"
SHARED = {"index", "crops", "features", "neighbors", "train"}


def test_hidden_positives_want_a_view_and_no_depth(project):
    assert project.planned("results/mini/stego_hp/seed0/model.safetensors") == SHARED | {"views"}
    without = "results/mini/stego_hp+hidden_positives.consistency=0/seed0/model.safetensors"
    assert project.planned(without) == SHARED


def test_attention_is_made_where_codes_are_mixed_by_it(project):
    planned = project.planned("results/mini/ours_attention/seed0/model.safetensors")
    assert planned == SHARED | {"depth", "geometry", "attention"}


def test_a_backbone_without_attention_is_refused_before_anything_runs(project):
    target = "results/mini/ours_attention+backbone=resnet50/metrics.json"
    done = project.snakemake(target, "--dry-run")
    assert done.returncode == 1
    assert "backbone resnet50: lhp: attention needs a plain ViT" in done.stdout + done.stderr


def test_the_whole_of_hidden_positives_trains(finished):
    done = finished.snakemake(HP)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (finished.folder / HP).with_name("history.jsonl").read_text().splitlines()
    assert json.loads(lines[0]).keys() >= {"total", "contrast", "lhp", "view"}


def test_a_pool_larger_than_the_data_is_one_line(finished):
    done = finished.snakemake(HP.replace("pool=64", "pool=9999"))
    assert done.returncode == 1
    assert "error: settings: hidden_positives: pool: 9999 references" in done.stdout + done.stderr
