"""The run of an experiment: its jobs, and its scores or why there are none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from depthg.config import Config
from depthg.config.base import Model
from depthg.config.sections import Score
from depthg.config.settings import Settings
from depthg.report.logs import last_error, logs_of

BLOCKS: dict[Score, tuple[str, str]] = {  # score → block of metrics.json, and the number in it
    "acc": ("unsupervised", "accuracy"),
    "miou": ("unsupervised", "miou"),
    "lin_acc": ("linear", "accuracy"),
    "lin_miou": ("linear", "miou"),
}


class Run(Model):
    """An experiment on a data set, as a table refers to it."""

    dataset: str
    experiment: str
    configuration_hash: str = Field(description="hash of its settings, as in metrics.json")
    jobs: list[str] = Field(description="its jobs, by name below logs/{dataset}")

    @property
    def metrics(self) -> str:
        """Path of its metrics.json."""
        return f"results/{self.dataset}/{self.experiment}/metrics.json"


def run_jobs(experiment: str, settings: Settings, config: Config) -> list[str]:
    """The jobs of a run, by the names of their logs below logs/{dataset}, in the order of the data.

    Those shared with other experiments come first.
    """
    backbone, training = settings.backbone, settings.training_split
    jobs, near = ["index", "train/crops", "val/crops"], [f"train/neighbors/{backbone}"]
    if training == "scheduled":
        jobs += [f"train/pooled/{backbone}", *near, "scheduled/crops"]
    if settings.needs_geometry:
        jobs += [f"{split}/depth/{settings.depth}" for split in (training, "val")]
    for name in config.stored_backbones(backbone):
        jobs += [f"train/axes/{name}"] if config.named("backbone", name).of else []
        jobs += [f"{split}/features/{name}" for split in (training, "val")]
        jobs += [f"val/mirrored/{name}"] if settings.flip else []
    jobs += near if training == "train" else []
    if settings.needs_geometry:
        jobs += [f"{training}/geometry/{backbone}/{settings.depth}/{settings.geometry}"]
    mixed = "attention_maps" if settings.mixing == "released" else "attention"
    jobs += [f"{training}/{mixed}/{backbone}"] if settings.lhp == "attention" else []
    jobs += [f"{training}/views/{backbone}"] if settings.needs_view else []
    jobs += [f"{training}/mean/{backbone}"] if settings.tokens == "centred" else []
    for seed in settings.seeds:
        jobs += [f"{experiment}/seed{seed}/{job}" for job in ("train", "cluster", "evaluate")]
    return [*jobs, f"{experiment}/figure", f"{experiment}/collect"]


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
    values = values_of(found)
    outdated = found["configuration_hash"] != run.configuration_hash
    return Result("" if values else "no scores", values, tuple(found["seeds"]), outdated)


def values_of(metrics: Mapping[str, Any]) -> dict[Score, Value]:
    """The scores of a metrics.json, after the CRF where available."""
    values: dict[Score, Value] = {}
    for score, (block, number) in BLOCKS.items():
        refined = metrics[f"{block}_crf"]
        if chosen := refined or metrics[block]:
            own = chosen[number]
            values[score] = Value(own["mean"], own["std"], bool(refined), tuple(own["values"]))
    return values


def has_failed(run: Run) -> bool:
    """Whether any job of a run ended with an error; one that was only stopped did not."""
    return any(last_error(logs_of(run.dataset, job)) for job in run.jobs)
