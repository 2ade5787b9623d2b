"""One seed gives the same bytes: by one process or by two, whole or in parts, undisturbed or killed on the way."""

import signal

import pytest

from tests.reliability.disturbed import Hit, artifacts, run
from tests.workflow.conftest import Project, make_project

TARGET = "results/mini/ours_3dlhp/metrics.json"


def made(project: Project) -> dict[str, bytes]:
    """All that was made, but the notes that say which parts are finished."""
    return {name: content for name, content in artifacts(project.folder).items() if "/parts/" not in name}


@pytest.mark.slow
def test_the_same_bytes_however_they_were_made(tmp_path):
    project = make_project(tmp_path)
    done = project.snakemake(TARGET, "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    whole = made(project)
    assert TARGET in whole
    project.forget()
    project.config["parts"] = 3
    hits = [Hit(signal.SIGKILL, "group", stage, 0.5) for stage in ("features", "train")]
    assert all([run(project, TARGET, hit).hit for hit in hits])
    ended = run(project, TARGET)
    assert ended.status == 0, ended.printed
    assert list((tmp_path / "resources/mini/train/features/tiny.zarr/parts").iterdir())
    assert made(project) == whole
