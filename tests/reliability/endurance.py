"""Hundreds of experiments on the caches of a miniature in one process, and how much of it is left after each.

    python -m tests.reliability.endurance --experiments 200

The commands are those that Snakemake would run. Stores are made once, then train, cluster and evaluate are called again
and again in this process, each time of another seed. After each experiment it notes the memory, the open files, threads
and child processes, and what lies in the folder of temporary files; in the end, how each grows.
"""

import argparse
import csv
import gc
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import psutil

from depthg.cli import main as depthg

if TYPE_CHECKING:
    from tests.workflow.conftest import Project

EXPERIMENTS = ("kmeans", "stego", "ours", "ours_3dlhp", "auto+steps=6+batch=4+code_dim=8", "stego_hp")
POOLED = 5  # every so many experiments are evaluated with worker processes
STAGES = ("train", "cluster", "evaluate")


class Usage(NamedTuple):
    """What a process and its children hold: bytes, and numbers of each."""

    memory: int
    files: int
    threads: int
    processes: int
    temporary: int
    objects: int


class Failed(Exception):
    """A command that must succeed did not."""


def commands_of(project: "Project") -> list[list[str]]:
    """The words of the commands that Snakemake would run to make seed 0 of the experiments, in its order."""
    project.config["datasets"]["mini"]["settings"] |= {
        "clusters": 2
    }  # else some wait for the table of classes
    targets = [f"results/mini/{name}/seed0/metrics.json" for name in EXPERIMENTS]
    run = project.call(targets[0], "--dry-run", "--printshellcmds")
    run["args"] += targets[1:]
    done = subprocess.run(**run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = done.stdout.splitlines()
    return [shlex.split(found[1]) for line in lines if (found := re.search(r"depthg (.*) > \S+ 2>&1", line))]


def of_experiments(commands: list[list[str]]) -> list[list[list[str]]]:
    """The commands of each experiment, in the order of the stages."""
    own = [[words for words in commands if mentions(words, name)] for name in EXPERIMENTS]
    return [sorted(some, key=lambda words: STAGES.index(words[0])) for some in own]


def mentions(words: list[str], experiment: str) -> bool:
    return words[0] in STAGES and any(f"/{experiment}/seed0" in word for word in words)


def experiments(commands: list[list[list[str]]], count: int) -> Iterator[None]:
    """Run experiments in this process, of seeds that were not used; yields after each."""
    for number in range(1, count + 1):
        for words in commands[number % len(commands)]:
            call([word.replace("/seed0", f"/seed{number}") for word in words], number)
        yield


def call(words: list[str], seed: int) -> None:
    """A command, of another seed; most with one thread, so that they start no processes."""
    if "--seed" in words:
        words[words.index("--seed") + 1] = str(seed)
    if "--threads" in words:
        words[words.index("--threads") + 1] = "1" if seed % POOLED else "2"
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = depthg(words)
    if status:
        raise Failed(f"{shlex.join(words)}\n{printed.getvalue()}")


def usage(temporary: Path) -> Usage:
    """What this process and its children hold now."""
    process = psutil.Process()
    children = process.children(recursive=True)
    return Usage(
        process.memory_info().rss,
        process.num_fds(),
        process.num_threads(),
        len(children),
        sum(1 for _ in temporary.rglob("*")),
        len(gc.get_objects()),
    )


def slopes(rows: list[Usage], warm: int) -> Usage:
    """Growth of each number per experiment: a line by least squares, without the first `warm` experiments."""
    values = np.array(rows[warm:], float)
    return Usage(*np.polyfit(np.arange(len(values)), values, 1)[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--experiments", type=int, default=200, help="how many (200)")
    parser.add_argument("--out", type=Path, help="write the numbers after each experiment as CSV")
    options = parser.parse_args()
    warnings.simplefilter("error", ResourceWarning)
    with tempfile.TemporaryDirectory(prefix="endurance-") as folder:
        rows = endure(Path(folder), options.experiments)
    if options.out:
        with options.out.open("w", newline="") as stream:
            csv.writer(stream).writerows([Usage._fields, *rows])
    growth = slopes(rows, len(rows) // 4)
    print("experiment", *Usage._fields, sep="\t")
    for number in sorted({0, len(rows) // 4, len(rows) // 2, len(rows) - 1}):
        print(number + 1, *rows[number], sep="\t")
    print("growth", *(f"{value:.4g}" for value in growth), sep="\t")
    return 0


def endure(folder: Path, count: int) -> list[Usage]:
    """Run experiments in a folder; what is held after each."""
    # Not at the top: worker processes import this module again.
    from tests.reliability.kills import project_in

    project = project_in(folder / "project", parts=1)
    commands = commands_of(project)
    temporary = folder / "temporary"
    temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    here = Path.cwd()
    os.chdir(project.folder)
    rows = []
    try:
        for words in commands:
            if words[0] not in STAGES:
                call(words, 0)
        for _ in experiments(of_experiments(commands), count):
            rows.append(usage(temporary))
            if len(rows) % 10 == 0:
                print(len(rows), *rows[-1], sep="\t", file=sys.stderr, flush=True)
    finally:
        os.chdir(here)
    return rows


if __name__ == "__main__":
    sys.exit(main())
