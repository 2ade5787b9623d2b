"""Commands beside the chain: figures, tables, configuration, and the files that others publish."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from depthg.cli.stages import use
from depthg.runtime.progress import info
from depthg.runtime.workflow import ROOT

if TYPE_CHECKING:
    from depthg.config import settings as slices
    from depthg.report.tables import contents as plan


def new(folder: Path, /, images: Path) -> None:
    """Write a small project around a folder of images, which Snakemake runs without a clone of the repository."""
    from depthg.cli.new import new_project

    new_project(folder, images)
    info(f"{folder}: Snakefile and config.yaml written; next:")
    info(f"  cd {shlex.quote(str(folder))} && snakemake results/mine/stego/metrics.json")


def figure_predictions(predictions: Path, classes: Path, out: Path, depth: Path | None = None) -> None:
    """Draw validation images beside ground truth, prediction and, where it was used, depth."""
    from depthg.report.figures.predictions import draw_predictions

    draw_predictions(predictions, depth, classes, out)


def figure_comparison(compared: list[Path], names: str, classes: Path, out: Path) -> None:
    """Draw validation images as several experiments see them (Fig. 4)."""
    from depthg.report.figures.predictions import draw_comparison

    draw_comparison(compared, names.split(), classes, out)


def figure_worst(worst: Path, classes: Path, out: Path) -> None:
    """Draw the validation images that an experiment does worst on (Fig. 6)."""
    from depthg.report.figures.predictions import draw_worst

    draw_worst(worst, classes, out)


def figure_sampling(
    crops: Path,
    features: Path,
    neighbors: Path,
    geometry: Path,
    settings: slices.TrainSettings,
    out: Path,
    schedule: Path | None = None,
) -> None:
    """Draw which tokens are sampled at random, and which by distance in space (Fig. 5)."""
    from depthg.report.figures.sampling import draw_sampling
    from depthg.training.inputs import open_inputs

    inputs = open_inputs(features, neighbors, settings, geometry=geometry, schedule=schedule)
    draw_sampling(crops, inputs, settings, out)


def figure_propagation(crops: Path, geometry: Path, out: Path, attention: Path | None = None) -> None:
    """Draw with which tokens a code is mixed, by depth and by attention (Fig. 3)."""
    from depthg.report.figures.propagation import draw_propagation

    draw_propagation(crops, geometry, attention, out)


def figure_correlations(
    features: Path,
    neighbors: Path,
    settings: slices.TrainSettings,
    out: Path,
    geometry: Path | None = None,
    schedule: Path | None = None,
) -> None:
    """Draw which pairs of tokens each term of the loss pulls together, and which it pushes apart (Eq. 2, 6)."""
    from depthg.report.figures.correlations import draw_correlations
    from depthg.training.inputs import open_inputs

    inputs = open_inputs(features, neighbors, settings, geometry=geometry, schedule=schedule)
    draw_correlations(inputs, settings, out)


def scores(metrics: list[Path], out: Path) -> None:
    """Tabulate the scores of several experiments in Markdown."""
    from depthg.report.tables.scores import scores_table

    out.write_text(scores_table(metrics))
    info(out.read_text())


def distill(teacher: Path, cache: Path, out: Path, threads: int = 2) -> None:
    """Make the demo's backbone anew: a small ViT taught by ResNet-50 on rendered images."""
    from depthg.demo.distill import distill

    use(threads)
    distill(out=out, teacher=teacher, cache=cache)


def weights_fetch(name: str, /, config_file: Path = Path("config.yaml"), offline: bool = False) -> None:
    """Download the weights of a backbone or depth source into resources/weights, and print their hashes."""
    from depthg.weights.catalogue import fetch

    fetch(name, config_file, offline)


def data_fetch(
    name: str,
    /,
    config_file: Path = Path("config.yaml"),
    catalogue: Path = ROOT / "workflow/datasets.yaml",
) -> None:
    """Download and unpack the files of a benchmark that are not here yet, or say which to get from where."""
    from depthg.config import load_project
    from depthg.data.fetch import fetch

    fetch(name, load_project(config_file).named("dataset", name), catalogue)


def data_unpack(
    name: str,
    /,
    config_file: Path = Path("config.yaml"),
    catalogue: Path = ROOT / "workflow/datasets.yaml",
) -> None:
    """Unpack the archives of a benchmark that lie in its folder."""
    from depthg.config import load_project
    from depthg.data.fetch import unpack_all

    unpack_all(name, load_project(config_file).named("dataset", name), catalogue)


def data_check(name: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Read every file of a data set, and tell what is wrong and what disk is needed, before hours are spent."""
    from depthg.config import load_project
    from depthg.report.plan.check import check

    check(name, load_project(config_file))


def table_make(plan: plan.Plan, out: Path) -> None:
    """Write a table of results in Markdown, CSV and LaTeX."""
    from depthg.report.tables.formats import write_table

    write_table(plan, out)


def table_show(table: str, /, dataset: str | None = None, config_file: Path = Path("config.yaml")) -> None:
    """Print a table as far as its experiments have been run, while others still are."""
    from depthg.config import load_project
    from depthg.report.tables.contents import plan_table
    from depthg.report.tables.formats import markdown
    from depthg.report.tables.sheet import make_sheet
    from depthg.report.tables.table import fill_table

    table_plan = plan_table(load_project(config_file), table, dataset)
    print(markdown(make_sheet(table_plan, fill_table(table_plan))), end="")


def config_show(dataset: str, experiment: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Print all settings of an experiment on a data set, and where each was written."""
    from depthg.config import load_project
    from depthg.report.tables.settings import resolved

    print(resolved(load_project(config_file), dataset, experiment), end="")


def plan_experiment(dataset: str, experiment: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Print what an experiment on a data set will take before anything is run: counts, disk, work, time."""
    from depthg.config import load_project
    from depthg.report.plan.text import plan_lines

    for line in plan_lines(load_project(config_file), dataset, experiment):
        print(line, flush=True)
