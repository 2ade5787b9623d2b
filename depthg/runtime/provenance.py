"""Provenance of a result: package versions, git commit, durations of the stages."""

import csv
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("depthg", "torch", "timm", "faiss-cpu", "pydensecrf2", "scikit-learn", "scipy", "numpy", "zarr")


def provenance() -> dict[str, Any]:
    """A mapping: `versions` of Python and of the packages that results depend on, and `git_commit` (or None)."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    return {"versions": versions, "git_commit": git_commit()}


def git_commit() -> str | None:
    """The git commit of the working directory, followed by `+` if there are uncommitted changes; None without git."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):  # git is not installed, or the folder is no checkout
        return None


def read_durations(benchmarks: Iterable[Path]) -> dict[str, float]:
    """Stage → seconds, from Snakemake's benchmark files; the path of a file, logs/…/<stage>.tsv, names its stage.

    A stage that was run in parts has one more file per part (`<stage>.1of3.tsv`). Those of earlier divisions lie there
    still: the store says of which parts it is.
    """
    durations = {}
    for stage in benchmarks:
        store = Path("resources", *stage.parent.parts[1:], f"{stage.stem}.zarr")
        parts = sorted(note.stem for note in store.glob("parts/*of*.json"))
        for path in (stage, *(stage.with_name(f"{stage.stem}.{part}.tsv") for part in parts)):
            if not path.is_file():
                continue
            with path.open() as stream:
                row = next(csv.DictReader(stream, delimiter="\t"))
            durations["/".join(path.with_suffix("").parts[2:])] = round(float(row["s"]), 1)
    return durations
