"""Where a result comes from: versions, commit, durations."""

import csv
import glob
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("depthg", "torch", "timm", "faiss-cpu", "pydensecrf2", "scikit-learn", "scipy", "numpy", "zarr")


def provenance() -> dict[str, Any]:
    """`versions` of Python and the packages that numbers depend on, and the `git_commit` or None."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    return {"versions": versions, "git_commit": git_commit()}


def git_commit() -> str | None:
    """The commit of the folder the workflow runs in; `+` marks uncommitted changes."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):  # no git here, or a copy without history
        return None


def read_durations(benchmarks: Iterable[Path]) -> dict[str, float]:
    """Seconds by stage, from Snakemake's benchmark files; the name of a file says what it timed.

    A stage that was run in parts has one for each beside its own.
    """
    durations = {}
    for stage in benchmarks:
        for path in (stage, *sorted(stage.parent.glob(f"{glob.escape(stage.stem)}.*of*.tsv"))):
            if not path.is_file():
                continue
            with path.open() as stream:
                row = next(csv.DictReader(stream, delimiter="\t"))
            durations["/".join(path.with_suffix("").parts[2:])] = round(float(row["s"]), 1)
    return durations
