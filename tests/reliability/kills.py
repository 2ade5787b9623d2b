"""Kills whole workflows at random moments of every stage, again and again, and compares what they make in the end.

    python -m tests.reliability.kills --kills 120

Each round begins with nothing, is hit a few times, each time by the same command called again, and then left to end. It
prints what it did, and stops with the folder's name at the first difference from an undisturbed run.
"""

import argparse
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from depthg.runtime.provenance import read_durations
from tests.reliability.disturbed import Hit, artifacts, finished, run
from tests.workflow.conftest import Project, make_project

TARGET = "results/mini/ours_3dlhp/metrics.json"
STAGES = ["index", "crops", "depth", "features", "neighbors", "geometry"]
STAGES += ["train", "cluster", "evaluate", "figure", "collect"]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
WHOM = ("group", "snakemake", "job")
A_ROUND = 8  # kills in a round


class Difference(Exception):
    """A disturbed run did not end as the undisturbed one."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=120, help="how many, at least (120)")
    parser.add_argument("--seed", type=int, default=0, help="of signals and moments (0)")
    options = parser.parse_args()
    # A shell has what it starts in the background ignore SIGINT, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    counts = Counter()
    try:
        kill_many(folder, options.kills, random.Random(options.seed), counts)
    except Difference as difference:
        print(f"{folder}: {difference}", flush=True)
        return 1
    finally:
        print(*(f"{name}: {count}" for name, count in sorted(counts.items())), sep="\n", flush=True)
    shutil.rmtree(folder)
    return 0


def kill_many(folder: Path, kills: int, chance: random.Random, counts: Counter) -> None:
    """Rounds of kills, by turns on stores made as a whole and in three parts, until there are enough."""
    projects = [project_in(folder / f"parts{parts}", parts) for parts in (1, 3)]
    undisturbed = [undisturbed_run(project, TARGET) for project in projects]
    lasts = [durations(project) for project in projects]
    while counts["kills"] < kills:
        for project, expected, seconds in zip(projects, undisturbed, lasts, strict=True):
            project.forget()
            round_of_kills(project, TARGET, expected, hits(chance, seconds), counts)
            print(f"{counts['kills']} kills, {counts['files compared']} files compared", flush=True)


def project_in(folder: Path, parts: int) -> Project:
    folder.mkdir()
    project = make_project(folder)
    project.config["parts"] = parts
    return project


def undisturbed_run(project: Project, target: str) -> dict[str, bytes]:
    """What a run from nothing makes that nothing hits."""
    done = run(project, target)
    if done.status:
        raise Difference(f"the undisturbed run failed:\n{done.printed}")
    return artifacts(project.folder)


def durations(project: Project) -> dict[str, list[float]]:
    """Stage → seconds that its jobs took in the run that has just ended, by Snakemake's benchmarks."""
    found: dict[str, list[float]] = {}
    for name, seconds in read_durations((project.folder / "logs").rglob("*.tsv")).items():
        stage = next(word for word in reversed(re.split(r"[/.]", name)) if word in STAGES)
        found.setdefault(stage, []).append(seconds)
    return found


def hits(chance: random.Random, seconds: Mapping[str, Sequence[float]]) -> list[Hit]:
    """A round's kills, at stages in the order in which they run, each at a moment at which a job of it may live."""
    stages = [STAGES[place] for place in sorted(chance.sample(range(len(STAGES)), A_ROUND))]
    return [
        Hit(
            chance.choice(SIGNALS),
            chance.choice(WHOM),
            stage,
            chance.uniform(0, chance.choice(seconds[stage])),
        )
        for stage in stages
    ]


def round_of_kills(
    project: Project, target: str, expected: dict[str, bytes], hits: list[Hit], counts: Counter
) -> None:
    """Call the same command until nothing hits it any more.

    Raises:
        Difference: it failed then, an artifact differs, a finished one was made again, or a process was left over.
    """
    for hit in [*hits, None]:
        kept, begun = finished(project.folder), time.monotonic()
        ended = run(project, target, hit)
        what = f"{hit or 'the last call'}\n{ended.printed}"
        counts["kills"] += ended.hit
        if ended.hit:
            counts[f"kills: {hit.signal.name} to {hit.whom}"] += 1
            counts[f"kills in {hit.stage}"] += 1
        counts["seconds"] += round(time.monotonic() - begun)
        if ended.orphans:
            raise Difference(f"left over: {ended.orphans} after {what}")
        again = [name for name, when in kept.items() if finished(project.folder).get(name) != when]
        if again:
            raise Difference(f"made again: {again} after {what}")
        counts["finished outputs kept"] += len(kept)
        counts["locks lifted"] += "locks: lifted" in ended.printed
        if not hit and ended.status:
            raise Difference(f"failed: {what}")
    made = artifacts(project.folder)
    if made != expected:
        names = [name for name in {*made, *expected} if made.get(name) != expected.get(name)]
        raise Difference(f"other bytes or files after {list(map(str, hits))}: {sorted(names)}")
    counts["files compared"] += len(made)
    counts["bytes compared"] += sum(map(len, made.values()))


if __name__ == "__main__":
    sys.exit(main())
