"""What can be benchmarked. A module of its own: a process that is started for a subject cannot import `__main__`."""

from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Growth, Row

SUBJECTS = (
    *("training", "points", "mixing", "neighbors", "features", "reading", "logits", "refinement"),
    *("commands", "crowded", "growth", "demo"),
)


def run(subject: str) -> list[Row | Growth]:
    """What one subject measured."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):  # stages tell of every store
        return import_module(f"benchmarks.{subject}").measured(Path(folder))
