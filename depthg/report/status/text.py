"""The lines of `depthg status`."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from depthg.config import load_project
from depthg.errors import DepthGError
from depthg.report.status.works import Work, runs_alive, works_found, works_of
from depthg.runtime.workflow import CONFIG


def status_lines(targets: Iterable[str], config_file: Path) -> Iterator[str]:
    """Lines about experiments, as `demo/auto` or a path below results/demo/auto, or about all that is there.

    Raises:
        DepthGError: a name is unknown, or a target is neither an experiment nor a data set.
    """
    for target in targets:
        yield from _of_target(target, config_file)
    if not targets:
        found = list(works_found())
        yield from (_line(work, work.state) for work in found)
        if not found:
            yield "nothing is made yet: results/ and resources/ are empty"
    yield f"{'a' if runs_alive() else 'no'} run of Snakemake goes on here"


def _of_target(target: str, config_file: Path) -> Iterator[str]:
    path = Path(os.path.relpath(Path(target)))
    root = "".join(path.parts[:1])
    names = path.parts[root in ("resources", "results") :]
    if len(names) > 1 and root != "resources":
        yield from _of_experiment(names[0], names[1], config_file)
        return
    folders = [path] if root == "resources" else [Path("resources", *names), Path("results", *names)]
    found = [work for work in works_found() if any(_lies_on(work.path, folder) for folder in folders)]
    if not found:
        example = f"{names[0] if names else 'demo'}/auto"
        raise DepthGError(f"{target}: nothing of it is there yet: name an experiment, as {example}")
    yield from (_line(work, work.state) for work in found)


def _lies_on(path: Path, other: Path) -> bool:
    """Whether one of two paths is, or lies below, the other: a store below a folder, or a file of the store."""
    return all(one == two for one, two in zip(path.parts, other.parts, strict=False))


def _of_experiment(dataset: str, experiment: str, config_file: Path) -> Iterator[str]:
    config = load_project(config_file if config_file.is_file() else CONFIG)
    works = works_of(config, dataset, experiment)
    states = [work.state for work in works]
    if "to do" in states:
        states[states.index("to do")] = "next"
    yield from map(_line, works, states)
    if "running" not in states and set(states) != {"made"}:
        yield f"to go on: snakemake results/{dataset}/{experiment}/metrics.json"


def _line(work: Work, state: str) -> str:
    """State, progress and path; of what failed, the error."""
    line = f"{state:<8} {work.progress or ''!s:<25} {work.path}"
    return f"{line}\n         error: {work.error}" if state == "failed" else line
