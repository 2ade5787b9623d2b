"""The page: what is found of each experiment, put into the template with its style and script."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from depthg.errors import DepthGError
from depthg.report.figures.sheets import describe
from depthg.report.folder import ResultFolder, clusters_for_figures
from depthg.report.gallery import find_gallery
from depthg.report.page import charts, facts, results
from depthg.report.page.pictures import Picture, Shown, photo, side_by_side
from depthg.runtime.files import replacing
from depthg.runtime.progress import info, warn

PATCHES, PATCH = 8, 96  # patches of a cluster, and their side in pixels


@dataclass(frozen=True)
class ClusterRow:
    """A cluster in the gallery: colour, the lines that are said of it, its patches side by side."""

    color: str
    lines: list[str]
    patches: Picture


def write_report(folders: Sequence[ResultFolder], paper: results.Published, out: Path) -> None:
    """Write the report of experiments on one data set: one HTML file that needs no other and no network.

    Args:
        folders: of the experiments, in the order of the report.
        paper: the paper's scores by experiment, empty on another data set than its own.
        out: file to write; its folder is made.

    Raises:
        DepthGError: an experiment was not run, or its stores are gone or of another run.
    """
    pages = Environment(
        loader=PackageLoader("depthg.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    html = pages.get_template("report.html").render(_content(folders, paper))
    with replacing(out) as draft:
        draft.write_text(html, encoding="utf-8")
    shown = ", ".join(folder.name for folder in folders)
    info(f"{out}: {shown}; {len(html) / 1e6:.1f} MB in one file")


def find_experiments(results_folder: Path, names: Sequence[str]) -> list[ResultFolder]:
    """The experiments of a data set by name; none named: all that have scores or pictures, the floor first.

    Raises:
        DepthGError: none was run.
    """
    chosen = names or sorted(path.parent.name for path in results_folder.glob("*/metrics.json"))
    if not chosen:
        raise DepthGError(
            f"{results_folder}: no experiment was run: `snakemake --cores 2 {results_folder}/auto/metrics.json`"
        )
    return [
        ResultFolder(results_folder / name) for name in sorted(chosen, key=lambda one: one != results.FLOOR)
    ]


def _content(folders: Sequence[ResultFolder], paper: results.Published) -> dict[str, Any]:
    rows = results.score_rows(folders, paper)
    best = folders[max(range(len(rows)), key=lambda place: rows[place].rank)]
    shown, first = Shown(best), folders[0].metrics
    return {
        "dataset": first["dataset"],
        "images": first["n_images"],
        "backbones": sorted({folder.metrics["backbone"] for folder in folders}),
        "folders": folders,
        "best": best.name,
        "rows": rows,
        "floor": next((row for row in rows if row.name == results.FLOOR), None),
        "quoted": any(row.name in paper for row in rows),
        "labelled": any(row.values for row in rows),
        "reasons": sorted({why for folder in folders for why in folder.metrics["reasons"].values()}),
        "score_charts": _score_charts(rows, paper),
        "iou": results.class_iou(folders),
        "class_chart": charts.draw_classes(iou) if (iou := results.class_iou(folders)) else None,
        "confusion": charts.draw_confusion(*found) if (found := results.confusion_shares(shown)) else None,
        "sides": side_by_side(folders),
        "legend": shown.legend(),
        "extremes": {title: _extreme(best, name) for title, name in (("Worst", "worst"), ("Best", "best"))},
        "galleries": {folder.name: _gallery(folder) for folder in folders},
        "curves": {folder.name: drawn for folder in folders if (drawn := _curves(folder))},
        "histograms": {folder.name: drawn for folder in folders if (drawn := _histograms(folder))},
        "stages": facts.stages(folders),
        "settings": {folder.name: facts.settings_text(folder) for folder in folders},
        "versions": facts.versions(folders),
        "bibtex": facts.bibtex(),
    }


def _score_charts(rows: Sequence[results.ScoreRow], paper: results.Published) -> list[charts.Chart]:
    drawn = []
    for score, title in (("miou", "mIoU"), ("acc", "accuracy")):
        scores = results.intervals(rows, score)  # type: ignore[arg-type]
        floor = scores.get(results.FLOOR)
        told = {name: found[score] for name, found in paper.items() if score in found}  # type: ignore[index]
        if any(scores.values()):
            drawn.append(charts.draw_scores(title, scores, floor.mean if floor else None, told))
    return drawn


def _extreme(folder: ResultFolder, name: str) -> list[list[Picture]]:
    """Rows of image, truth and prediction of the worst or best images; none without labels."""
    if not (folder.seed / f"{name}.npz").is_file():  # of an earlier version
        return []
    shown = Shown(folder, f"{name}.npz")
    rows = []
    for place, accuracy in enumerate(shown.content["accuracy"].tolist()):
        image = shown.image(place)
        told = Picture(image.source, image.alt, f"image {shown.number(place)}: accuracy {accuracy:.0f} %")
        rows.append([told, shown.truth(place), shown.prediction(place)])
    return rows


def _gallery(folder: ResultFolder) -> list[ClusterRow]:
    """The clusters of an experiment; none if the stores that they are seen in are gone."""
    clusters = clusters_for_figures(folder.names, folder.probes)
    try:
        gallery = find_gallery(folder, clusters, PATCHES, PATCH)
    except DepthGError as error:
        warn(f"{error}; the report shows no clusters of {folder.name}")
        return []
    rows = []
    for look in gallery.looks:
        lines = describe(look, gallery, clusters)
        strip = look.patches.swapaxes(0, 1).reshape(PATCH, -1, 3)
        if strip.size:
            alt = f"{len(look.patches)} patches of {'; '.join(lines)}"
            color = "#{:02x}{:02x}{:02x}".format(*clusters.colors[look.number])
            rows.append(ClusterRow(color, lines, photo(strip, alt, "", side=None)))
    return rows


def _curves(folder: ResultFolder) -> charts.Chart | None:
    found = facts.curves(folder.seed / "history.jsonl")
    return charts.draw_curves(folder.name, found) if found else None


def _histograms(folder: ResultFolder) -> charts.Chart | None:
    path = folder.path / "correlations.json"
    if not path.is_file():
        return None
    terms = json.loads(path.read_text())
    return charts.draw_histograms(folder.name, terms) if terms else None
