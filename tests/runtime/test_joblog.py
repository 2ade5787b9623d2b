"""A log is live as long as the process that holds it."""

import os
import subprocess
import sys

import pytest

from depthg.runtime.joblog import is_live
from depthg.runtime.parent import SNAKEMAKE


@pytest.mark.parametrize("is_job", [True, False])
def test_the_log_of_a_job_is_live_until_it_ends(tmp_path, is_job):
    log = tmp_path / "job.log"
    assert not is_live(log)
    env = {name: value for name, value in os.environ.items() if name != SNAKEMAKE}
    words = "import sys; from depthg.cli import main; main(['--version'])"  # ends by SystemExit
    words = f"try:\n    {words}\nexcept SystemExit:\n    print(file=sys.stderr, flush=True)\n    input()"
    with log.open("w") as stream:
        job = subprocess.Popen(
            [sys.executable, "-c", words],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.PIPE,
            env=env | ({SNAKEMAKE: str(os.getpid())} if is_job else {}),
        )
    assert job.stderr is not None
    job.stderr.readline()
    assert is_live(log) == is_job and is_live(log) == is_job  # to look changes nothing
    job.kill()
    job.communicate()
    assert not is_live(log)
