"""Whether the files of a run belong together: model, probes, and the scores of a seed, which say what made them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from depthg.errors import DepthGError
from depthg.models.sealed import MODEL, PROBES, check_origin, load_sealed

ALIKE = ("settings", "features", "crops")  # of all seeds of an experiment


def read_metrics(path: Path) -> dict[str, Any]:
    """Read a metrics.json.

    Raises:
        DepthGError: it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        raise DepthGError(f"{path}: missing or not JSON: make it with `snakemake --cores 2 {path}`") from None


def check_seed(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Check that the scores of a seed are of the model and the probes that lie beside them, as far as they do.

    Raises:
        DepthGError: one of these is damaged, or the scores or the probes were made from another one.
    """
    model, probes = folder / "model.safetensors", folder / "probes.safetensors"
    head, fitted = _said_of(model, MODEL), _said_of(probes, PROBES)
    check_origin(probes, fitted, model=head.get("digest"))
    stated = metrics.get("made_from", {})
    check_origin(folder / "metrics.json", stated, model=head.get("digest"), probes=fitted.get("digest"))


def check_alike(seeds: Mapping[Path, Mapping[str, Any]]) -> None:
    """Check that the seeds of an experiment were evaluated in the same way on the same crops.

    Args:
        seeds: metrics.json of a seed → its content.

    Raises:
        DepthGError: one was not.
    """
    origins = {path: metrics["made_from"] for path, metrics in seeds.items() if "made_from" in metrics}
    for path, origin in origins.items():
        first = next(iter(origins.values()))
        check_origin(path, origin, **{name: first[name] for name in ALIKE})


def _said_of(path: Path, key: str) -> dict[str, Any]:
    """What a file of weights says about itself, once they are compared with it; {} if there is none."""
    if not path.is_file():
        return {}
    try:
        return load_sealed(path, key)[1]
    except (OSError, SafetensorError, KeyError, ValueError):
        raise DepthGError(
            f"{path}: not a file of depthg's, or cut off: make it again with `snakemake --cores 2 --force {path}`"
        ) from None
