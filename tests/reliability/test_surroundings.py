"""A full disk in every stage, few file handles, a project that was moved: one line, and the same bytes."""

import re
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from tests.reliability.disturbed import artifacts, run, wait_for_job
from tests.reliability.kills import STAGES, TARGET, project_in, undisturbed_run

pytestmark = pytest.mark.slow
BLOCK = 1 << 16
FULL = "the disk is full: make room|the disk has|No space left"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    return undisturbed_run(project_in(tmp_path_factory.mktemp("undisturbed") / "project", parts=1), TARGET)


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, large enough that a store is begun on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "none", folder]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> None:
    """Take all the room that there is, to the last byte."""
    with (disk / "ballast").open("ab", buffering=0) as ballast:
        size = BLOCK
        while size:
            try:
                ballast.write(bytes(size))
            except OSError:
                size //= 2


def test_a_disk_that_is_full_in_any_stage(disk, undisturbed):
    project, refused = project_in(disk / "project", parts=1), 0

    def happen(stage: str, process: subprocess.Popen) -> None:
        if wait_for_job(process, stage):
            time.sleep(0.2)
            fill(disk)

    for stage in STAGES:
        ended = run(project, TARGET, meanwhile=partial(happen, stage))
        (disk / "ballast").unlink(missing_ok=True)
        logs = "".join(log.read_text() for log in (project.folder / "logs").rglob("*.log"))
        assert "Traceback" not in logs, logs
        if ended.status:
            refused += 1
            assert re.search(
                "the disk is full: make room|the disk has|No space left", ended.printed + logs
            ), ended.printed
    assert run(project, TARGET).status == 0
    assert artifacts(project.folder) == undisturbed
    assert refused > 1  # how many have written enough by then, is chance


def test_sixty_four_file_handles_and_a_project_that_was_moved(tmp_path, undisturbed):
    project = project_in(tmp_path / "project", parts=1)
    call = project.call(TARGET)
    few = ["bash", "-c", 'ulimit -n 64; exec "$@"', "-", *call.pop("args")]
    done = subprocess.run(few, **call, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert artifacts(project.folder) == undisturbed
    project.folder = project.folder.rename(tmp_path / "moved: elsewhere")
    done = project.snakemake(TARGET, "--dry-run")
    assert "Nothing to be done" in done.stdout + done.stderr
