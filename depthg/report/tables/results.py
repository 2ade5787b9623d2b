"""The result of a run: its scores, or why there are none."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from depthg.config.sections import Score
from depthg.report.tables.contents import Run

BLOCKS: dict[Score, tuple[str, str]] = {  # score → block of metrics.json, and the number in it
    "acc": ("unsupervised", "accuracy"),
    "miou": ("unsupervised", "miou"),
    "lin_acc": ("linear", "accuracy"),
    "lin_miou": ("linear", "miou"),
}


@dataclass(frozen=True)
class Value:
    """A score in percent: mean, sample standard deviation, one value per seed; `refined`: after the CRF."""

    mean: float
    std: float
    refined: bool
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Result:
    """Result of a run.

    Attributes:
        state: why there are no scores (not run, failed, no scores), or empty.
        values: scores by name.
        seeds: seeds of the run.
        outdated: whether the settings have changed since the run.
    """

    state: str = ""
    values: dict[Score, Value] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    outdated: bool = False


def read_result(run: Run) -> Result:
    """Read the scores of a run, after the CRF where available; paths are relative to the working directory."""
    path = Path(run.metrics)
    if not path.is_file():
        return Result("failed" if has_failed(run) else "not run")
    found = json.loads(path.read_text())
    values: dict[Score, Value] = {}
    for score, (block, number) in BLOCKS.items():
        refined = found[f"{block}_crf"]
        if chosen := refined or found[block]:
            own = chosen[number]
            values[score] = Value(own["mean"], own["std"], bool(refined), tuple(own["values"]))
    outdated = found["configuration_hash"] != run.configuration_hash
    return Result("" if values else "no scores", values, tuple(found["seeds"]), outdated)


def has_failed(run: Run) -> bool:
    """Whether the log of any job of a run contains an error."""
    logs = (Path("logs", run.dataset, f"{job}.log") for job in run.jobs)
    return any(log.is_file() and _contains_error(log) for log in logs)


def _contains_error(log: Path) -> bool:
    with log.open(errors="replace") as lines:
        return any(line.startswith("error: ") for line in lines)
