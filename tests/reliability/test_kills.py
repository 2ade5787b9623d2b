"""The short form of `make test-kills`, on the stages that need no torch; and two runs at once."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.reliability.disturbed import Hit, artifacts, deliver, run
from tests.reliability.kills import TARGET, project_in, round_of_kills, undisturbed_run
from tests.workflow.conftest import Project

DEPTH = "resources/mini/train/depth/sensor.zarr/complete.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return project_in(tmp_path_factory.mktemp("killed") / "project", parts=1)


@pytest.fixture(scope="module")
def undisturbed(project) -> dict[str, bytes]:
    return undisturbed_run(project, DEPTH)


@pytest.fixture(autouse=True)
def nothing_made(project, undisturbed):
    project.forget()


def test_killed_runs_go_on_to_the_same_bytes(project, undisturbed):
    hits = [Hit(SIGKILL, "group", "crops", 0.2), Hit(SIGKILL, "snakemake", "depth", 0.2)]
    counts = Counter()
    round_of_kills(project, DEPTH, undisturbed, hits, counts)
    assert counts["kills"] == counts["locks lifted"] == 2 and counts["files compared"] == len(undisturbed)


def test_a_second_run_is_refused_and_the_first_goes_on(project, undisturbed):
    with (
        open(project.folder / "first", "w") as printed,
        subprocess.Popen(
            **project.call(DEPTH), stdout=printed, stderr=printed, start_new_session=True
        ) as first,
    ):
        assert deliver(Hit(0, "snakemake", "index", 0), first)  # no signal: waits for the stage only
        second = run(project, DEPTH)
        assert second.status == 1 and "cannot be locked" in second.printed
        assert "lifted" not in second.printed
        assert first.wait() == 0
    assert artifacts(project.folder) == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(
    "KILLS" not in os.environ, reason="Snakemake fails if both end in the same moment: `make test-kills`"
)
def test_two_runs_at_once_on_other_data_sets(project, tmp_path):
    """Snakemake's run that ends first removes the locks of both: neither may mind."""
    shutil.copytree(project.folder / "photos", project.folder / "others", dirs_exist_ok=True)
    mini = project.config["datasets"]["mini"]
    project.config["datasets"]["other"] = mini | {"root": "others"}
    targets = [TARGET, TARGET.replace("mini", "other")]
    runs = [
        subprocess.Popen(**project.call(target), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for target in targets
    ]
    printed = [process.communicate()[0].decode() for process in runs]
    assert [process.returncode for process in runs] == [0, 0], printed
    made = {name: content for name, content in artifacts(project.folder).items() if "/mini/" in name}
    assert made == undisturbed_run(alone(tmp_path), TARGET)


def alone(folder: Path) -> Project:
    return project_in(folder / "alone", parts=1)
