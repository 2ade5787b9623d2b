"""Start-up time of the command line and of the workflow, in separate processes."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Cost, Row, Target, Work, alternate, cores

PROJECT = Path(__file__).parents[1]
HELP = ("-m", "depthg.cli", "--help")
EAGER = ("-c", "import torch, timm, zarr, faiss; from depthg.cli import main; main(['--help'])")
SNAKEMAKE = (
    *("-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")),
    *("--configfile", str(PROJECT / "config.yaml"), "--cores", str(cores())),
)
PLAN = (*SNAKEMAKE, "--dry-run", "--config", "dataset=demo", "--", "results/demo/scores.md", "tables")


def measured(root: Path) -> list[Row]:
    """Rows for `depthg --help` and for a dry run of the whole demo in an empty folder."""
    help_ = alternate({"ours": running(root, HELP), "reference": running(root, EAGER)}, rounds=3)
    plan = alternate({"ours": running(root, PLAN)}, rounds=3)
    return [
        Row(
            "`depthg --help`",
            "",
            without_memory(help_["ours"]),
            without_memory(help_["reference"]),
            "the same after importing what stages need",
            target=Target("seconds", 0.5),
        ),
        Row(
            "`snakemake -n`",
            "demo: scores.md and all tables",
            without_memory(plan["ours"]),
            target=Target("seconds", 6),
        ),
    ]


def without_memory(cost: Cost) -> Cost:
    """The cost without memory, which is not measured for other processes."""
    return Cost(cost.times)


def running(folder: Path, words: Sequence[str]) -> Work:
    """Run Python with arguments in a folder, with the scripts of its environment on the path."""
    added = {"PYTHONPATH": str(PROJECT), "PATH": str(Path(sys.executable).parent)}
    environment = os.environ | {
        name: os.pathsep.join(filter(None, (first, os.environ.get(name)))) for name, first in added.items()
    }

    def work() -> None:
        subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=True)

    return work
