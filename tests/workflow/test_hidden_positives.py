"""Hidden positives, run by the workflow."""

import json

import pytest

HP = "results/mini/stego_hp+lhp=attention+hidden_positives.pool=64/seed0/model.safetensors"
pytestmark = pytest.mark.slow


def test_the_whole_of_hidden_positives_trains(finished):
    done = finished.snakemake(HP)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (finished.folder / HP).with_name("history.jsonl").read_text().splitlines()
    assert json.loads(lines[0]).keys() >= {"total", "contrast", "lhp", "view"}


def test_a_pool_larger_than_the_data_is_one_line(finished):
    done = finished.snakemake(HP.replace("pool=64", "pool=9999"))
    assert done.returncode == 1
    assert "settings: hidden_positives: pool: 9999 references" in done.stdout + done.stderr
