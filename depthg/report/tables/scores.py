"""The scores of several experiments as one Markdown table."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from depthg.report.tables.formats import markdown
from depthg.report.tables.sheet import Sheet

COLUMNS = {  # block of metrics.json → column title
    "unsupervised": "unsupervised",
    "unsupervised_crf": "with CRF",
    "linear": "linear probe",
    "linear_crf": "linear + CRF",
}


def scores_table(paths: Iterable[Path]) -> str:
    """A Markdown table with one row per metrics.json: accuracy / mIoU in percent, mean ± std over several seeds."""
    results = [json.loads(Path(path).read_text()) for path in paths]
    header = ["experiment", *(f"{title}: accuracy / mIoU" for title in COLUMNS.values())]
    rows = [[result["experiment"], *(_cell(result[block]) for block in COLUMNS)] for result in results]
    return markdown(Sheet(_caption(results), header, rows, notes=[]))


def _caption(results: list[dict[str, Any]]) -> str:
    first = results[0]
    backbone, depth, seeds = (_common(results, key) for key in ("backbone", "depth", "seeds"))
    said = [
        f"{first['dataset']}: {first['n_images']} validation images",
        f"{backbone} features" if backbone else "",
        f"{depth} depth" if depth else "",
        f"preset {first['preset']}",
        f"seeds {', '.join(map(str, seeds))}" if seeds else "",
    ]
    return f"{', '.join(filter(None, said))}; percent."


def _common(results: list[dict[str, Any]], key: str) -> Any:
    """What all results that have a value have as that value; None if they differ, or none has one."""
    found = [result[key] for result in results if result[key]]
    return found[0] if found and found.count(found[0]) == len(found) else None


def _cell(block: dict[str, Any] | None) -> str:
    return " / ".join(_number(block[score]) for score in ("accuracy", "miou")) if block else "–"


def _number(score: dict[str, Any]) -> str:
    spread = f" ± {score['std']:.1f}" if len(score["values"]) > 1 else ""
    return f"{score['mean']:.1f}{spread}"
