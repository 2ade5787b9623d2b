"""The subjects that can be benchmarked; apart from `__main__`, which spawned processes cannot import."""

from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Result

SUBJECTS = (
    *("training", "batches", "kernels", "points", "mixing", "neighbors", "features", "free_backbone"),
    *("writing", "reading", "logits", "refinement", "commands", "crowded", "growth", "demo"),
)
ON_CARD = (
    "card.features",
    "card.training",
    "card.seeds",
    "card.depth",
    "card.forward",
)  # compiling last: it is the slowest


def run(subject: str) -> list[Result]:
    """Results of one subject."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):  # stages tell of every store
        return import_module(f"benchmarks.{subject}").measured(Path(folder))
