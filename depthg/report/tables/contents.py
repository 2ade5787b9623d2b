"""The plan of a table of results: its rows, the runs that provide their scores, and rows that cannot be run."""

from pydantic import Field

from depthg.config import Config
from depthg.config.base import Model
from depthg.config.sections import Row, Score
from depthg.config.settings import Settings
from depthg.errors import DepthGError
from depthg.report.tables.results import Run, run_jobs
from depthg.runtime.files import fingerprint

SCORES: tuple[Score, ...] = ("acc", "miou", "lin_acc", "lin_miou")
ALWAYS: tuple[Score, ...] = ("acc", "miou")


class PlannedRow(Model):
    """A row of a table, before scores are read."""

    system: str
    backbone: str | None = None
    run: Run | None = Field(None, description="our run; none: only quoted, or not available here")
    unavailable: str | None = Field(None, description="why our experiment cannot be run here")
    paper: dict[Score, float] = Field({}, description="percent; empty on another data set than the paper's")
    note: str | None = None


class Plan(Model):
    """A table of results, before scores are read."""

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
        """Paths of all metrics.json that the table reads."""
        return list(dict.fromkeys(row.run.metrics for row in self.rows if row.run))

    def publishes(self, score: Score) -> bool:
        """Whether the paper reports a score for any row."""
        return any(score in row.paper for row in self.rows)


def plan_table(config: Config, name: str, dataset: str | None = None) -> Plan:
    """Plan the table `name` of `tables`, for its own data set (None) or for another one.

    For another data set, published figures are omitted, and so are rows that only quote a system and rows with other
    networks than the data set's. The same holds for a table without published figures.

    Raises:
        DepthGError: a name is unknown.
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
    """A row with the paper's figures."""
    found = _run(config, dataset, row.experiment) if row.experiment else {}
    return PlannedRow(system=row.system, backbone=row.backbone, paper=row.paper, note=row.note, **found)


def _row_elsewhere(config: Config, dataset: str, row: Row) -> PlannedRow:
    """A row for another data set, with the name of its backbone."""
    assert row.experiment
    backbone, _ = _networks(config, dataset, row.experiment)
    system = row.elsewhere or row.system
    return PlannedRow(system=system, backbone=backbone, **_run(config, dataset, row.experiment))


def _is_used(config: Config, dataset: str, row: Row) -> bool:
    """Whether a row has an experiment, with the backbone and depth source of the data set."""
    own = _networks(config, dataset)
    return row.experiment is not None and _networks(config, dataset, row.experiment) == own


def _networks(config: Config, dataset: str, experiment: str | None = None) -> tuple[str, str]:
    """Names of the backbone and the depth source of an experiment, whether or not they are configured."""
    chosen: dict[str, str] = {}
    for _, layer in config.layers(dataset, experiment):
        chosen |= layer
    default = Settings.model_fields
    backbone, depth = (chosen.get(key, default[key].default) for key in ("backbone", "depth"))
    return backbone, depth


def _run(config: Config, dataset: str, experiment: str) -> dict[str, Run | str]:
    """The run of an experiment, or the reason why it is unavailable; other errors are raised."""
    if missing := _missing(config, dataset, experiment):
        return {"unavailable": missing}
    settings = config.resolve(dataset, experiment)
    if settings.lhp == "attention" and not config.named("backbone", settings.backbone).has_attention:
        return {"unavailable": f"backbone {settings.backbone} has no attention"}
    own_hash, jobs = fingerprint(settings.model_dump()), run_jobs(experiment, settings, config)
    return {"run": Run(dataset=dataset, experiment=experiment, configuration_hash=own_hash, jobs=jobs)}


def _missing(config: Config, dataset: str, experiment: str) -> str | None:
    """The error if the data set, backbone or depth source of an experiment is not configured, else None."""
    try:
        config.named("dataset", dataset)
        backbone, depth = _networks(config, dataset, experiment)
        config.named("backbone", backbone)
        config.named("depth_source", depth)
    except DepthGError as error:
        return str(error)
    return None


def published(config: Config, dataset: str) -> dict[str, dict[Score, float]]:
    """The paper's scores of experiments on its own data set, in percent, as its tables in config.yaml have them."""
    rows = [row for table in config.tables.values() if table.dataset == dataset for row in table.rows]
    found: dict[str, dict[Score, float]] = {}
    for row in rows:
        if row.experiment and row.paper:
            found.setdefault(row.experiment, row.paper)
    return found
