"""Other ways to the workflow than a clone's Snakefile: from a project of `depthg new`, as a module, by conda."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from depthg import __version__
from depthg.cli import main

from .conftest import ROOT, make_photos

MODULE = """
configfile: "config/config.yaml"

module depthg:
    snakefile:
        "{root}/workflow/Snakefile"
    config:
        config

use rule * from depthg
"""


@pytest.fixture
def photos(tmp_path) -> Path:
    make_photos(tmp_path / "photos", train=4, val=2)
    return tmp_path / "photos"


def planned(folder: Path, *words: str) -> str:
    """What a dry run prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", *words],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_new_project_makes_its_own_result_by_itself(photos, tmp_path):
    assert main(["new", str(tmp_path / "project"), "--images", str(photos)]) == 0
    printed = planned(tmp_path / "project", "--config", "settings={seeds: [3]}")
    assert "profiles/default" in printed and "results/mine/auto/seed3/metrics.json" in printed
    assert "demo" not in printed


def test_the_workflow_is_a_module_as_the_catalogue_deploys_it(photos, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(
        yaml.safe_dump({"datasets": {"mine": {"root": str(photos)}}})
    )
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(MODULE.format(root=ROOT))
    assert "mine: collect the scores of stego" in planned(tmp_path, "--", "results/mine/stego/metrics.json")


def test_conda_installs_this_version():
    assert f"depthg=={__version__}\n" in (ROOT / "envs/depthg.post-deploy.sh").read_text()
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
