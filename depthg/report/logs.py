"""The logs of jobs: where they lie, and with which error a job ended."""

from collections.abc import Iterable
from pathlib import Path

STOPPED = ("interrupted", "Snakemake ")  # how the errors of jobs begin that were only stopped


def logs_of(dataset: str, job: str) -> list[Path]:
    """The log of a job, by its name below logs/{dataset}, or the logs of its parts; none if it never ran."""
    log = Path("logs", dataset, f"{job}.log")
    return [log] if log.is_file() else sorted(log.parent.glob(f"{log.stem}.*of*.log"))


def last_error(logs: Iterable[Path]) -> str:
    """The last error in the logs of a job; empty if there is none, or the job was only stopped."""
    lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
    errors = [line for line in lines if line.startswith("error: ")]
    error = errors[-1].removeprefix("error: ") if errors else ""
    return "" if error.startswith(STOPPED) else error
