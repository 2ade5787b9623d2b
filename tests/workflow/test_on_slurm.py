"""On a real Slurm: stores in parts, a training that is cancelled, and the scores of the same run without Slurm.

Runs where `sinfo` answers and the executor is installed: `pip install --group slurm && make test-slow`.
"""

import importlib.util
import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from .conftest import ROOT, Project

TARGET = "results/mini/ours_3dlhp/metrics.json"
SEED = "results/mini/ours_3dlhp/seed0"
STEPS = 3000  # a minute: long enough to be cancelled in the middle


def slurm_answers() -> bool:
    return bool(shutil.which("sinfo")) and not subprocess.run(["sinfo"], capture_output=True).returncode


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not slurm_answers() or importlib.util.find_spec("snakemake_executor_plugin_slurm") is None,
        reason="no Slurm, or its executor is not installed: pip install --group slurm",
    ),
]


def scores(folder: Path) -> dict:
    """metrics.json without what no two runs have in common."""
    return {
        key: value for key, value in json.loads((folder / TARGET).read_text()).items() if key != "durations"
    }


def cancel_training(folder: Path, cancelled: list[str]) -> None:
    """Cancel the job of the first training that has a checkpoint."""
    checkpoint = folder / SEED / "checkpoint.pt"
    while not cancelled:
        if checkpoint.exists():
            jobs = subprocess.run(["squeue", "-h", "-o", "%A %k"], capture_output=True, text=True).stdout
            cancelled += [job.split()[0] for job in jobs.splitlines() if "rule_train" in job]
            subprocess.run(["scancel", *cancelled], check=True)
        time.sleep(0.1)


def test_a_cancelled_training_and_stores_in_parts_end_in_the_same_scores(long: Project):
    long.config["settings"] = {"steps": STEPS}
    done = long.snakemake(TARGET)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = scores(long.folder)
    long.forget()
    long.config["parts"] = 2
    cancelled = list[str]()
    watcher = threading.Thread(target=cancel_training, args=(long.folder, cancelled), daemon=True)
    watcher.start()
    options = ("--workflow-profile", str(ROOT / "workflow/profiles/slurm"))
    done = long.snakemake(TARGET, *options, "--slurm-init-seconds-before-status-checks", "2")
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert len(cancelled) == 1 and "resumed at step" in logs(long.folder), printed
    assert scores(long.folder) == expected


def logs(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "logs").rglob("*.log"))
