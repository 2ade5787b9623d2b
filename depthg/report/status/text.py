"""The lines of `depthg status`."""

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
    dataset, *below = Path(target).parts[target.startswith(("results/", "resources/")) :] or ("",)
    if below and not target.startswith("resources/"):
        yield from _of_experiment(dataset, below[0], config_file)
        return
    found = [work for work in works_found() if f"{work.path}/".startswith(_below(target, dataset))]
    if not found:
        raise DepthGError(f"{target}: nothing of it is there yet: name an experiment, as {dataset}/auto")
    yield from (_line(work, work.state) for work in found)


def _of_experiment(dataset: str, experiment: str, config_file: Path) -> Iterator[str]:
    config = load_project(config_file if config_file.is_file() else CONFIG)
    works = works_of(config, dataset, experiment)
    states = [work.state for work in works]
    if "to do" in states:
        states[states.index("to do")] = "next"
    yield from map(_line, works, states)
    if "running" not in states and set(states) != {"made"}:
        yield f"to go on: snakemake results/{dataset}/{experiment}/metrics.json"


def _below(target: str, dataset: str) -> tuple[str, ...]:
    if target.startswith("resources/"):
        return (target.partition(".zarr")[0].rstrip("/"),)
    return (f"resources/{dataset}/", f"results/{dataset}/")


def _line(work: Work, state: str) -> str:
    """State, progress and path; of what failed, the error."""
    line = f"{state:<8} {work.progress or ''!s:<25} {work.path}"
    return f"{line}\n         error: {work.error}" if state == "failed" else line
