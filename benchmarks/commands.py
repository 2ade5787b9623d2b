"""How long the command line and the workflow take to answer, in processes of their own."""

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
    """Rows of the help, and of the plan of all that the demo can make, in a folder where nothing is made yet."""
    help_ = alternate({"ours": running(root, HELP), "reference": running(root, EAGER)})
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
    """The times: the memory of another process is not measured."""
    return Cost(cost.times)


def running(folder: Path, words: Sequence[str]) -> Work:
    """Run Python with some words in a folder; what an environment that is not active has to offer, too."""
    added = {"PYTHONPATH": str(PROJECT), "PATH": str(Path(sys.executable).parent)}
    environment = os.environ | {
        name: os.pathsep.join(filter(None, (first, os.environ.get(name)))) for name, first in added.items()
    }

    def work() -> None:
        subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=True)

    return work
