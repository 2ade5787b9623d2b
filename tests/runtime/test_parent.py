"""A process ends with the one that started it; worker processes do as well."""

import os
import signal
import subprocess
import sys
import time

import pytest

from depthg.runtime import parent

FOLLOW = (
    "import sys, time; from depthg.runtime.parent import follow; follow(int(sys.argv[1])); time.sleep(60)"
)
POOL = """
import time
from depthg.runtime.parent import worker_pool
if __name__ == "__main__":
    pool = worker_pool(1)
    import os
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def ends(process: int) -> bool:
    """Whether a process, not a child of this one, ends within ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("told", [True, False])
def test_a_job_ends_with_its_snakemake(sleeper, told, tmp_path):
    code = FOLLOW if told else f"import os; del os.pidfd_open; {FOLLOW}"
    command = [sys.executable, "-c", code, str(sleeper.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as job:
        with pytest.raises(subprocess.TimeoutExpired):
            job.wait(0.5)
        sleeper.kill()
        sleeper.wait()
        assert job.communicate(timeout=20)[1].startswith(f"error: main process {sleeper.pid} has ended")
        assert job.returncode == 1


def test_a_job_whose_snakemake_is_gone_ends(sleeper):
    sleeper.kill()
    sleeper.wait()
    command = [sys.executable, "-c", FOLLOW, str(sleeper.pid)]
    assert subprocess.run(command, capture_output=True, timeout=20).returncode == 1


@pytest.mark.parametrize("number", ["", "0", "none"])
def test_a_command_run_by_hand_follows_nobody(monkeypatch, number):
    monkeypatch.setenv(parent.SNAKEMAKE, number)
    monkeypatch.setattr(parent, "follow", lambda *_: pytest.fail("follows"))
    parent.follow_snakemake()


def test_worker_processes_end_with_a_killed_job(tmp_path):
    (tmp_path / "job.py").write_text(POOL)
    with subprocess.Popen([sys.executable, tmp_path / "job.py"], stdout=subprocess.PIPE, text=True) as job:
        worker = int(job.stdout.readline())
        job.send_signal(signal.SIGKILL)
        job.wait()
    assert ends(worker)
