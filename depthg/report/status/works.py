"""The works of a run: what each makes, where its log is, and whether it is made, running, stopped or to do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from depthg.config import Config
from depthg.report.logs import last_error, logs_of
from depthg.report.made import stores_below
from depthg.report.status.progress import Progress, store_progress, training_progress
from depthg.report.tables.results import run_jobs
from depthg.runtime.joblog import is_live
from depthg.store.arrays import MARKER
from depthg.store.lock import is_held
from depthg.store.runs import FOLDER

MADE_BY_SEED = {"train": "model.safetensors", "cluster": "probes.safetensors", "evaluate": "metrics.json"}
MADE_OF_SEEDS = {"figure": "figure.png", "collect": "metrics.json"}


@dataclass(frozen=True)
class Work:
    """What one job of a data set makes.

    Attributes:
        dataset: name of the data set.
        job: name of the job, of its log below logs/{dataset}.
        steps: steps of a training, if known.
    """

    dataset: str
    job: str
    steps: int | None = None

    @property
    def path(self) -> Path:
        """The file or store that it makes."""
        folder, _, name = self.job.rpartition("/")
        if self.job == "index":
            return Path("resources", self.dataset, "train/images.csv")
        if re.fullmatch(r"seed\d+", Path(folder).name):
            return Path("results", self.dataset, folder, MADE_BY_SEED[name])
        if name in MADE_OF_SEEDS:
            return Path("results", self.dataset, folder, MADE_OF_SEEDS[name])
        ending = "npy" if self.job.startswith("train/axes/") else "zarr"
        return Path("resources", self.dataset, f"{self.job}.{ending}")

    @property
    def is_store(self) -> bool:
        """Whether it is a store."""
        return self.path.suffix == ".zarr"

    @property
    def is_made(self) -> bool:
        """Whether it is complete."""
        return (self.path / MARKER if self.is_store else self.path).is_file()

    @cached_property
    def progress(self) -> Progress | None:
        """How far it is, where that is written down."""
        if self.is_store:
            return store_progress(self.path)
        if self.job.endswith("/train") and not self.is_made:
            return training_progress(self.path.parent, self.steps)
        return None

    @property
    def error(self) -> str:
        """The error with which its last job ended; empty if there was none, or it was only stopped."""
        return last_error(self.logs())

    @property
    def state(self) -> str:
        """`made`, `running`, `failed`, `begun` or `to do`."""
        if self.is_made:
            return "made"
        if self._is_locked() or any(map(is_live, self.logs())):
            return "running"
        return "failed" if self.error else "begun" if self.progress else "to do"

    def _is_locked(self) -> bool:
        locks = [self.path.with_name("training.lock")]
        if self.is_store:
            locks = list(self.path.parent.glob(f"{self.path.name}*.lock"))
        return (self.is_store or self.job.endswith("/train")) and any(map(is_held, locks))

    def logs(self) -> list[Path]:
        """Its log, or the logs of its parts; none if it never ran."""
        return logs_of(self.dataset, self.job)


def works_of(config: Config, dataset: str, experiment: str) -> list[Work]:
    """All that an experiment on a data set needs, in the order of the data.

    Raises:
        DepthGError: a name is unknown.
    """
    config.named("dataset", dataset)
    settings = config.resolve(dataset, experiment)
    return [Work(dataset, job, settings.batches) for job in run_jobs(experiment, settings, config)]


def works_found() -> Iterator[Work]:
    """All stores and experiments that are there, complete or not, below resources/ and results/."""
    # Each data set by itself: links may share a folder between them.
    for folder in sorted(Path("resources").glob("*/")):
        for store in stores_below(folder):
            yield Work(folder.name, "/".join(store.relative_to(folder).with_suffix("").parts))
    for seed in sorted(Path("results").glob("*/*/seed*")):
        works = [Work(seed.parts[1], "/".join((*seed.parts[2:], job))) for job in MADE_BY_SEED]
        yield from works[:1] if works[0].progress else ()
        yield from (work for work in works if work.is_made or work.logs())
    for folder in sorted(Path("results").glob("*/*/metrics.json")):
        yield Work(folder.parts[1], f"{folder.parts[2]}/collect")


def runs_alive() -> list[Path]:
    """The lock files of the runs of Snakemake that go on in this folder."""
    return [run for run in sorted((FOLDER / "runs").glob("*.run")) if is_held(run)]
