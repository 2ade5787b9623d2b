"""Commands besides the stages: projects, figures, tables, downloads, checks, configuration and plans."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from depthg.cli.stages import set_threads
from depthg.runtime.progress import info, warn
from depthg.runtime.workflow import ROOT

if TYPE_CHECKING:
    from depthg.config.settings import TrainSettings
    from depthg.report.tables.contents import Plan


def new(folder: Path, /, images: Path) -> None:
    """Look at a folder of images and write a small project for it, which Snakemake runs without a clone of the code.

    The folder is only read. Says what is in it, what is ignored, the next command, and how long that takes here.
    """
    from depthg.cli.new import first_hours, new_project, weights_to_fetch
    from depthg.data.look import summary
    from depthg.report.plan.text import duration

    found = new_project(folder, images)
    for line in summary(found):
        info(f"{images}: {line}")
    info(f"{folder}: Snakefile and config.yaml written; next:")
    info(f"  cd {shlex.quote(str(folder))} && snakemake results/mine/auto/metrics.json")
    info("how long will that take here? measuring for some seconds …")
    config_file = folder.expanduser() / "config.yaml"
    hours = first_hours(config_file, found)
    backbone, unreachable = weights_to_fetch(config_file)
    info(f"about {duration(hours)}" + (f", besides fetching {backbone} once" if backbone else ""))
    if unreachable:
        warn(
            f"the weights of {backbone} cannot be fetched here ({unreachable}): where there is a network, run "
            f"`depthg weights fetch {backbone}` and copy resources/weights from there into {folder}, or name a "
            f"backbone with weights of your own: see `backbones` in {config_file}"
        )


def figure_predictions(
    predictions: Path,
    classes: Path,
    out: Path,
    depth: Path | None = None,
    named: list[Path] | None = None,
) -> None:
    """Draw validation images with ground truth, prediction and, if used, depth."""
    from depthg.report.figures.predictions import draw_predictions
    from depthg.report.folder import clusters_for_figures

    clusters = clusters_for_figures(*named) if named else None
    draw_predictions(predictions, depth, classes, out, clusters)


def figure_comparison(compared: list[Path], names: str, classes: Path, out: Path) -> None:
    """Draw the predictions of several experiments for the same validation images (Fig. 4)."""
    from depthg.report.figures.predictions import draw_comparison

    draw_comparison(compared, names.split(), classes, out)


def figure_worst(worst: Path, classes: Path, out: Path) -> None:
    """Draw the validation images with the lowest accuracy (Fig. 6)."""
    from depthg.report.figures.predictions import draw_worst

    draw_worst(worst, classes, out)


def figure_sampling(
    crops: Path,
    features: Path,
    neighbors: Path,
    geometry: Path,
    settings: TrainSettings,
    out: Path,
    schedule: Path | None = None,
) -> None:
    """Draw the tokens that random and farthest-point sampling select (Fig. 5)."""
    from depthg.report.figures.sampling import draw_sampling
    from depthg.training.inputs import open_inputs

    # Samplers read the geometry, whether or not the experiment does, and neither views nor a mean token.
    sampled = settings.model_copy(update={"objective": "correlation", "lhp": "depth", "tokens": "raw"})
    inputs = open_inputs(features, neighbors, sampled, geometry=geometry, schedule=schedule)
    draw_sampling(crops, inputs, sampled, out)


def figure_propagation(crops: Path, geometry: Path, out: Path, attention: Path | None = None) -> None:
    """Draw the neighbours with which codes are mixed, in 3D space and by attention (Fig. 3)."""
    from depthg.report.figures.propagation import draw_propagation

    draw_propagation(crops, geometry, attention, out)


def figure_correlations(
    features: Path,
    neighbors: Path,
    settings: TrainSettings,
    out: Path,
    geometry: Path | None = None,
    mean: Path | None = None,
    schedule: Path | None = None,
) -> None:
    """Draw the targets of each loss term, split into pairs attracted and repelled (Eq. 2, 6)."""
    from depthg.report.figures.correlations import draw_correlations
    from depthg.training.inputs import open_inputs

    stores = {"geometry": geometry, "mean": mean, "schedule": schedule}
    # Targets are of tokens and depth: they need no store of mixed codes or views.
    distilled = settings.model_copy(update={"objective": "correlation", "lhp": "none"})
    inputs = open_inputs(features, neighbors, distilled, **stores)
    draw_correlations(inputs, distilled, out)


def scores(metrics: list[Path], out: Path) -> None:
    """Write and print a Markdown table of the scores of several experiments."""
    from depthg.report.tables.scores import scores_table

    out.write_text(scores_table(metrics))
    info(out.read_text())


def report(
    dataset: str, /, experiments: list[str] | None = None, paper: dict | None = None, out: Path | None = None
) -> None:
    """Write one HTML file that shows the results of a data set, of all its experiments that were run or of some.

    Scores, images, clusters, training, time; it needs no network. Without --out: results/DATASET/report/index.html.
    """
    from depthg.report.page.page import find_experiments, write_report

    below = Path("results", dataset)
    folders = find_experiments(below, experiments or [])
    write_report(folders, _published(dataset) if paper is None else paper, out or below / "report/index.html")


def _published(dataset: str) -> dict:
    """The paper's scores on a data set, as config.yaml has them, or the one that depthg ships."""
    from depthg.config import load_project
    from depthg.report.tables.contents import published
    from depthg.runtime.workflow import CONFIG

    own = Path("config.yaml")
    return published(load_project(own if own.is_file() else CONFIG), dataset)


def distill(teacher: Path, cache: Path, out: Path, threads: int = 2) -> None:
    """Train the demo's backbone again: a small ViT distilled from ResNet-50 on rendered images."""
    from depthg.demo.distill import distill

    set_threads(threads)
    distill(out=out, teacher=teacher, cache=cache)


def weights_fetch(name: str, /, config_file: Path = Path("config.yaml"), offline: bool = False) -> None:
    """Download the weights of a backbone or depth source into resources/weights, and print their hashes."""
    from depthg.weights.catalogue import fetch

    fetch(name, config_file, offline)


def data_fetch(
    name: str, /, config_file: Path = Path("config.yaml"), catalogue: Path = ROOT / "workflow/datasets.yaml"
) -> None:
    """Download and unpack the missing files of a benchmark, or print which files to get and from where."""
    from depthg.config import load_project
    from depthg.data.fetch import fetch

    fetch(name, load_project(config_file).named("dataset", name), catalogue)


def data_unpack(
    name: str, /, config_file: Path = Path("config.yaml"), catalogue: Path = ROOT / "workflow/datasets.yaml"
) -> None:
    """Unpack the downloaded archives of a benchmark in its folder."""
    from depthg.config import load_project
    from depthg.data.fetch import unpack_all

    unpack_all(name, load_project(config_file).named("dataset", name), catalogue)


def data_check(name: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Check every file of a data set; print problems and the disk space that its stores need."""
    from depthg.config import load_project
    from depthg.report.plan.check import check

    check(name, load_project(config_file))


def table_make(plan: Plan, out: Path) -> None:
    """Write a table of results in Markdown, CSV and LaTeX."""
    from depthg.report.tables.formats import write_table

    write_table(plan, out)


def table_show(table: str, /, dataset: str | None = None, config_file: Path = Path("config.yaml")) -> None:
    """Print a table with the results found so far."""
    from depthg.config import load_project
    from depthg.report.tables.contents import plan_table
    from depthg.report.tables.formats import markdown
    from depthg.report.tables.sheet import make_sheet
    from depthg.report.tables.table import fill_table

    table_plan = plan_table(load_project(config_file), table, dataset)
    print(markdown(make_sheet(table_plan, fill_table(table_plan))), end="")


def verify(checked: Path, /, reopen: bool = False) -> None:
    """Compare a store, or all stores and results below a folder, with their checksums and with what they say that
    they were made from; name what is damaged or mixed, and how to make it again."""
    from depthg.report.verify import verify

    verify(checked, reopen)


def config_show(dataset: str, experiment: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Print all settings of an experiment on a data set, with the origin of each."""
    from depthg.config.project import load_project, resolved

    print(resolved(load_project(config_file), dataset, experiment), end="")


def plan_experiment(dataset: str, experiment: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Print what an experiment on a data set needs: images, disk space, computation, estimated time."""
    from depthg.config import load_project
    from depthg.report.plan.text import plan_lines

    for line in plan_lines(load_project(config_file), dataset, experiment):
        print(line, flush=True)


def status(targets: list[str] | None = None, /, config_file: Path = Path("config.yaml")) -> None:
    """Show what is made, running, begun, failed and to do, with the rows and steps that are done.

    It only reads what is on the disk, also while a run goes on, and after a crash.
    """
    from depthg.report.status.text import status_lines

    for line in status_lines(targets or [], config_file):
        print(line, flush=True)
