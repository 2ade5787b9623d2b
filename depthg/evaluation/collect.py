"""The results of an experiment: mean and standard deviation over its seeds."""

import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from depthg.errors import DepthGError
from depthg.evaluation.origin import check_alike, check_seed, read_metrics
from depthg.evaluation.scores import BLOCKS, DIGITS
from depthg.runtime.files import write_json

TITLE = ("dataset", "experiment", "backbone", "depth", "preset")
ORIGIN = ("configuration_hash", "versions", "git_commit")


def collect(
    seed_dirs: Sequence[Path], out: Path, header: Mapping[str, Any], durations: Mapping[str, float]
) -> None:
    """Write the `metrics.json` of an experiment from those of its seeds.

    In every block of scores, `accuracy` and `miou` are {mean, std, values} in percent with one value per seed; std is
    the sample standard deviation (n − 1), 0 for one seed. `per_class` maps a class name to its mean IoU over the seeds
    in which the class occurs, or null. A block without scores in any seed is null, and `reasons` says why. Blocks that
    a seed does not know, evaluated with other settings or an earlier version, are left out.

    Args:
        seed_dirs: folders named `seed{n}`, each with a `metrics.json`.
        out: file to write.
        header: dataset, experiment, backbone, depth, preset, configuration_hash, versions, git_commit.
        durations: seconds by stage.

    Raises:
        DepthGError: a folder is not named `seed{n}`, its `metrics.json` is missing or not JSON, or was made from
            another model or other probes than those beside it, or from other crops or settings than another seed's.
    """
    folders = sorted(seed_dirs, key=_seed_of)
    files = {folder / "metrics.json": read_metrics(folder / "metrics.json") for folder in folders}
    for path, run in files.items():
        check_seed(path.parent, run)
    check_alike(files)
    found = {_seed_of(path.parent): run for path, run in files.items()}
    content = {
        **{key: header[key] for key in TITLE},
        **summarise_seeds(found),
        **{key: header[key] for key in ORIGIN},
        "durations": {stage: round(seconds, 1) for stage, seconds in sorted(durations.items())},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, content)


def summarise_seeds(found: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """What the metrics.json of an experiment says of its seeds: seed → the content of its metrics.json."""
    runs = list(found.values())
    blocks = [name for name in BLOCKS if all(name in run for run in runs)]
    return {
        "seeds": list(found),
        "n_images": runs[0]["counts"]["images"],
        **{name: summarise([run[name] for run in runs]) for name in blocks},
        "reasons": {name: run["reasons"][name] for name in blocks for run in runs if name in run["reasons"]},
        "matching": {str(seed): run["matching"] for seed, run in found.items()},
        "made_from": {str(seed): run["made_from"] for seed, run in found.items() if "made_from" in run},
    }


def summarise(blocks: Sequence[dict | None]) -> dict | None:
    """Aggregate one block of scores over seeds; None if it is None for any seed."""
    scores = [block for block in blocks if block is not None]
    if len(scores) < len(blocks):
        return None
    return {
        "accuracy": mean_and_std([block["accuracy"] for block in scores]),
        "miou": mean_and_std([block["miou"] for block in scores]),
        "per_class": {
            name: _mean([block["per_class"][name] for block in scores]) for name in scores[0]["per_class"]
        },
    }


def mean_and_std(values: Sequence[float]) -> dict[str, Any]:
    """Mean, sample standard deviation (0 for one value) and the values, each rounded to `DIGITS`."""
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return {
        "mean": _mean(values),
        "std": round(std, DIGITS),
        "values": [round(value, DIGITS) for value in values],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return round(statistics.fmean(present), DIGITS) if present else None


def _seed_of(folder: Path) -> int:
    name = re.fullmatch(r"seed(\d+)", folder.name)
    if name is None:
        raise DepthGError(f"{folder}: not the folder of a seed: give folders named seed0, seed1, …")
    return int(name[1])
