"""The built wheel carries the workflow: a project runs without a clone of the repository."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, make_photos

SETTINGS = {
    "backbone": "demo_vit8",
    "size": 64,
    "eval_size": 64,
    "clusters": 2,
    "keep": 4,
    "neighbors": 3,
    "steps": 4,
    "batch": 4,
    "samples": 5,
    "code_dim": 8,
    "cluster_samples": 400,
    "linear_steps": 5,
    "pictures": 2,
}


SDIST = "from setuptools.build_meta import build_sdist as build; import sys; build(sys.argv[1])"


@pytest.fixture
def installed(tmp_path) -> dict[str, str]:
    """The variables of an environment in which only the wheel's depthg is to be found; all else is borrowed."""
    python = [sys.executable, "-m"]
    # By way of the source distribution: it must be complete, and no build/ is left in the working tree.
    subprocess.run([sys.executable, "-c", SDIST, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    wheels = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*python, *wheels, str(next(tmp_path.glob("*.tar.gz")))], check=True)
    subprocess.run([*python, "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    packages = next((tmp_path / "venv/lib").glob("python*/site-packages"))
    # A folder that is named in a .pth file comes last, and the editable depthg in it is not followed.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    interpreter, wheel = tmp_path / "venv/bin/python", next(tmp_path.glob("*.whl"))
    subprocess.run(
        [*python, "pip", "--python", str(interpreter), "install", "--quiet", "--no-deps", str(wheel)],
        check=True,
    )
    path = f"{interpreter.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": ""}


def run(environment: dict[str, str], folder: Path, *words: str) -> str:
    """Everything that a command prints; it must succeed."""
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_project_of_the_wheel_runs(installed, tmp_path):
    make_photos(tmp_path / "photos", train=6, val=3)
    where = run(installed, tmp_path, "python", "-c", "import depthg; print(depthg.__file__)")
    assert where.startswith(str(tmp_path / "venv"))
    run(installed, tmp_path, "depthg", "new", "project", "--images", "photos")
    project = tmp_path / "project"
    own = yaml.safe_load((project / "config.yaml").read_text())
    own["datasets"]["mine"]["settings"] = SETTINGS
    (project / "config.yaml").write_text(yaml.safe_dump(own))
    snakemake = ["python", "-m", "snakemake", "--cores", "2"]
    run(installed, project, *snakemake, "results/mine/auto/metrics.json")
    found = json.loads((project / "results/mine/auto/metrics.json").read_text())
    assert found["n_images"] and found["unsupervised"]["miou"]["mean"] > 0
    assert "Nothing to be done" in run(installed, project, *snakemake)
    assert "Congratulations" in run(installed, project, *snakemake, "--lint")
    assert "digraph" in run(installed, project, *snakemake, "--rulegraph")
    run(installed, project, *snakemake, "--report", "report.html")
    assert "clusters: 2" in run(installed, project, "depthg", "config", "show", "mine", "stego")
    assert "demo_vit8: needs no" in run(installed, project, "depthg", "weights", "fetch", "demo_vit8")
    fetch = subprocess.run(
        ["depthg", "data", "fetch", "cityscapes"], cwd=project, env=installed, capture_output=True, text=True
    )
    assert "leftImg8bit_trainvaltest.zip" in fetch.stderr and "cityscapes-dataset.com" in fetch.stderr
