"""What the report says in tables: stages with time, memory and disk; training curves; how to cite."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from depthg.report.folder import ResultFolder
from depthg.runtime.files import size_text
from depthg.runtime.workflow import ROOT
from depthg.store.arrays import MARKER

APART = {"step", "learning_rate"}  # of a line of history.jsonl: not curves
Curves = dict[str, dict[str, list[tuple[int, float]]]]


@dataclass(frozen=True)
class Stage:
    """A job: its name, seconds, peak memory in MB, and size of what it wrote; empty texts where not known."""

    name: str
    seconds: float
    memory: str
    disk: str


def stages(folders: Sequence[ResultFolder]) -> list[Stage]:
    """The jobs of experiments, those that they share once, the longest first."""
    times: dict[str, tuple[float, ResultFolder]] = {}
    for folder in folders:
        times |= {name: (seconds, folder) for name, seconds in folder.metrics["durations"].items()}
    order = sorted(times.items(), key=lambda item: -item[1][0])
    return [Stage(name, seconds, _memory(of, name), _disk(of, name)) for name, (seconds, of) in order]


def _memory(folder: ResultFolder, stage: str) -> str:
    """Peak memory of a job, from Snakemake's benchmark file."""
    try:
        with folder.log(f"{stage}.tsv").open() as stream:
            return f"{float(next(csv.DictReader(stream, delimiter='	'))['max_rss']):,.0f} MB"
    except (OSError, KeyError, ValueError, StopIteration):  # short jobs have none
        return ""


def _disk(folder: ResultFolder, stage: str) -> str:
    """Size of the store that a job made."""
    store = folder.resource(f"{stage}.zarr")
    if not (store / MARKER).is_file():
        return ""
    return size_text(sum(path.stat().st_size for path in store.rglob("*") if path.is_file()))


def curves(history: Path) -> Curves:
    """The curves of a training by what they show: loss terms, the score, weights of terms.

    A curve that stays 0 is left out. An empty mapping if there is no history.
    """
    found: Curves = {}
    for line in history.read_text().splitlines() if history.is_file() else []:
        content = json.loads(line)
        for key in content.keys() - APART:
            if isinstance(content[key], int | float):
                group, name = _group(key)
                found.setdefault(group, {}).setdefault(name, []).append((content["step"], content[key]))
    kept = {group: _moving(found[group]) for group in sorted(found, key=lambda one: (one != "loss", one))}
    return {group: named for group, named in kept.items() if named}


def _moving(named: dict[str, list[tuple[int, float]]]) -> dict[str, list[tuple[int, float]]]:
    order = sorted(named, key=lambda name: (name != "total", name))
    return {name: named[name] for name in order if any(value for _, value in named[name])}


def _group(key: str) -> tuple[str, str]:
    """The panel of a value in history.jsonl, and its name there: `lambda_depth` is the weight λ of depth."""
    if key.startswith("lambda_"):
        return "weight λ", key.removeprefix("lambda_")
    return ("score of the weights", key) if key == "score" else ("loss", key)


def settings_text(folder: ResultFolder) -> str:
    """The settings of an experiment's first seed as YAML."""
    return yaml.safe_dump(folder.settings.get("settings", {}), sort_keys=False, allow_unicode=True)


def bibtex() -> str:
    """The paper as BibTeX, from CITATION.cff."""
    paper: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))[
        "preferred-citation"
    ]
    names = " and ".join(f"{one['family-names']}, {one['given-names']}" for one in paper["authors"])
    key = f"{paper['authors'][0]['family-names'].lower()}{paper['year']}depthg"
    fields = {
        "title": paper["title"],
        "author": names,
        "booktitle": paper["collection-title"],
        "year": paper["year"],
    }
    return "\n".join([f"@inproceedings{{{key},", *(f"  {k} = {{{v}}}," for k, v in fields.items()), "}"])


def versions(folders: Iterable[ResultFolder]) -> dict[str, str]:
    """Versions and commits that the results were made with; several where experiments differ."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        made = folder.metrics["versions"] | {"git commit": folder.metrics["git_commit"]}
        for name, version in made.items():
            if version and version not in found.setdefault(name, []):
                found[name].append(version)
    return {name: ", ".join(several) for name, several in found.items() if several}
