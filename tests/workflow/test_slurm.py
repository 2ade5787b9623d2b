"""The Slurm profile: it names what there is, and a dry run with it goes through."""

import importlib.util
import re

import pytest
import yaml

from .conftest import ROOT

PROFILE = ROOT / "workflow/profiles/slurm"


@pytest.fixture(scope="module")
def profile():
    return yaml.safe_load((PROFILE / "config.yaml").read_text())


def test_rules_of_the_profile_exist(profile):
    rules = {
        name
        for path in ROOT.glob("rules/*.smk")
        for name in re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)(?: with)?:", path.read_text(), re.M)
    }
    assert profile["set-resources"].keys() | profile["groups"].keys() <= rules


def test_rules_with_a_gpu_have_their_own_memory_and_time_and_are_told_of(profile):
    told = (ROOT / "docs/cluster.md").read_text().partition("carry `gpu: 1`")[2].partition("`--gpus=1`")[0]
    for path in ROOT.glob("rules/*.smk"):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            name = re.match(r"\w+", rule)[0]
            if re.search(r"^ +gpu=", rule, re.M):
                assert profile["set-resources"][name].keys() == {"mem_mb", "runtime"}, name
                assert f"`{name.removesuffix('_maps')}`" in told, name


def test_it_shows_a_run_as_the_default_profile_does(profile):
    default = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    assert profile["logger"] == default["logger"]


def test_every_attempt_asks_for_more(profile):
    asked = [value for own in profile["set-resources"].values() for value in own.values()]
    assert all(re.fullmatch(r"\d+\*attempt", value) for value in asked)


@pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_slurm") is None,
    reason="the executor is not installed: pip install --group slurm",
)
def test_a_dry_run_with_the_profile_goes_through(project):
    done = project.snakemake(
        "results/mini/ours_3dlhp/metrics.json", "--dry-run", "--workflow-profile", str(PROFILE)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^train +1$", done.stdout + done.stderr, re.M)
