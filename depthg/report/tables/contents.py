"""What a table of results shows: which rows, which runs stand beside them, and which cannot be run here."""

from pydantic import Field

from depthg.config import Config
from depthg.config.base import Model
from depthg.config.sections import Row, Score
from depthg.config.settings import Settings
from depthg.errors import DepthGError
from depthg.runtime.files import fingerprint
from depthg.stages.jobs import own_stages, shared_stages

SCORES: tuple[Score, ...] = ("acc", "miou", "lin_acc", "lin_miou")
ALWAYS: tuple[Score, ...] = ("acc", "miou")


class Run(Model):
    """An experiment on a data set, as far as a table needs to know it."""

    dataset: str
    experiment: str
    configuration_hash: str = Field(description="of its settings, as in metrics.json")
    jobs: list[str] = Field(description="what it is made by, by name under logs/{dataset}")

    @property
    def metrics(self) -> str:
        """Where its scores are."""
        return f"results/{self.dataset}/{self.experiment}/metrics.json"


class PlannedRow(Model):
    """A row of a table."""

    system: str
    backbone: str | None = None
    run: Run | None = Field(None, description="our run; none: only quoted, or not available here")
    unavailable: str | None = Field(None, description="why our experiment cannot be run here")
    paper: dict[Score, float] = Field({}, description="percent; empty on another data set than the paper's")
    note: str | None = None


class Plan(Model):
    """A table of results before there are any."""

    name: str
    title: str
    dataset: str
    scores: list[Score]
    reference: str | None = Field(
        None, description="experiment to compare with; none: with the paper's figures"
    )
    rows: list[PlannedRow]

    @property
    def metrics(self) -> list[str]:
        """The results that it is made of."""
        return list(dict.fromkeys(row.run.metrics for row in self.rows if row.run))

    def publishes(self, score: Score) -> bool:
        """Whether the paper reports a score of any row."""
        return any(score in row.paper for row in self.rows)


def plan(config: Config, name: str, dataset: str | None = None) -> Plan:
    """Plan a table of `tables`, for its own data set or for another.

    On another data set the published figures mean nothing and are left out, and so are the rows of systems only
    quoted and of networks that the data set does not use. A table without published figures is treated likewise.

    Raises:
        DepthGError: there is no such table or, where it is given, no such data set.
    """
    table = config.named("table", name)
    reported = {score for row in table.rows for score in row.paper}
    common = {"name": name, "title": table.title, "scores": [s for s in SCORES if s in {*ALWAYS, *reported}]}
    dataset = dataset or table.dataset
    if dataset == table.dataset and table.has_paper_figures:
        rows = [_own_row(config, table.dataset, row) for row in table.rows]
        return Plan(**common, dataset=table.dataset, rows=rows)
    rows = [_row_elsewhere(config, dataset, row) for row in table.rows if _is_used(config, dataset, row)]
    return Plan(**common, dataset=dataset, reference=table.reference, rows=rows)


def _own_row(config: Config, dataset: str, row: Row) -> PlannedRow:
    """A row beside the paper's figures."""
    common = {"system": row.system, "backbone": row.backbone, "paper": row.paper, "note": row.note}
    if row.experiment is None:
        return PlannedRow(**common)
    return PlannedRow(**common, **_run(config, dataset, row.experiment))


def _row_elsewhere(config: Config, dataset: str, row: Row) -> PlannedRow:
    """A row on another data set, whose backbone goes by its own name."""
    assert row.experiment
    backbone, _ = _networks(config, dataset, row.experiment)
    system = row.elsewhere or row.system
    return PlannedRow(system=system, backbone=backbone, **_run(config, dataset, row.experiment))


def _is_used(config: Config, dataset: str, row: Row) -> bool:
    """Whether a row is of an experiment, and with the networks that the data set uses."""
    own = _networks(config, dataset)
    return row.experiment is not None and _networks(config, dataset, row.experiment) == own


def _networks(config: Config, dataset: str, experiment: str | None = None) -> tuple[str, str]:
    """Backbone and depth source by name, known or not."""
    chosen: dict[str, str] = {}
    for _, layer in config.layers(dataset, experiment):
        chosen |= layer
    default = Settings.model_fields
    backbone, depth = (chosen.get(key, default[key].default) for key in ("backbone", "depth"))
    return backbone, depth


def _run(config: Config, dataset: str, experiment: str) -> dict[str, Run | str]:
    """The run of an experiment, or why there can be none here; what is wrong otherwise stays an error."""
    if missing := _missing(config, dataset, experiment):
        return {"unavailable": missing}
    settings = config.resolve(dataset, experiment)
    if settings.lhp == "attention" and not config.named("backbone", settings.backbone).has_attention:
        return {"unavailable": f"backbone {settings.backbone} has no attention"}
    own_hash = fingerprint(settings.model_dump())
    jobs = [*shared_stages(settings), *own_stages(experiment, settings)]
    return {"run": Run(dataset=dataset, experiment=experiment, configuration_hash=own_hash, jobs=jobs)}


def _missing(config: Config, dataset: str, experiment: str) -> str | None:
    """Which data set, backbone or depth source is not configured."""
    try:
        config.named("dataset", dataset)
        backbone, depth = _networks(config, dataset, experiment)
        config.named("backbone", backbone)
        config.named("depth_source", depth)
    except DepthGError as error:
        return str(error)
    return None
