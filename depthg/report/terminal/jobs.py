"""The jobs of a run, as Snakemake tells of them, and their lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from depthg.report.terminal.failures import error_in
from depthg.runtime.notes import Note


def count_of(number: int) -> str:
    """A number of jobs as text."""
    return f"{number} job{'' if number == 1 else 's'}"


def clock(seconds: float) -> str:
    """A duration as text.

    Example:
        >>> clock(8.2), clock(222), clock(3822)
        ('8 s', '3:42', '1:03:42')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


class Job(NamedTuple):
    """A job that was started.

    Attributes:
        what: the message of its rule.
        rule: name of the rule.
        makes: its first output.
        logs: its log files.
        began: seconds since 1970.
    """

    what: str
    rule: str
    makes: str
    logs: Sequence[str]
    began: float

    @classmethod
    def of(cls, record: Mapping[str, Any], began: float) -> "Job":
        """The job that a record of Snakemake tells of."""
        what = (record["rule_msg"] or record["rule_name"]).strip()
        return cls(what, record["rule_name"], (record["output"] or [""])[0], record["log"], began)

    def note(self, folder: Path) -> Note | None:
        """How far it is."""
        return next((note for log in self.logs if (note := Note.read(folder, Path(log)))), None)


@dataclass
class Jobs:
    """All jobs of a run: how many there are, those that run and those that failed, by Snakemake's numbers of them."""

    total: int = 0
    done: int = 0
    running: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)

    def start(self, number: int, job: Job) -> None:
        """A job begins, for the first time or again."""
        self.running[number] = job
        self.failed.pop(number, None)

    def finish(self, number: int, now: float) -> str:
        """A job is done: its line."""
        self.done += 1
        return self._line(number, now, "")

    def fail(self, number: int, now: float, logs: Sequence[str], how: str = "failed") -> str:
        """A job failed: its line; `logs` may hold more than it began with."""
        self.failed[number] = self.running[number]._replace(logs=logs)
        return self._line(number, now, f"{how} after ")

    def _line(self, number: int, now: float, how: str) -> str:
        job = self.running.pop(number)
        count = f"{self.done:>{len(str(self.total))}}/{self.total}"
        return f"{count}  {job.what}: {how}{clock(now - job.began)}"

    def failures(self) -> list[str]:
        """Two lines for each failed job: where to look, and its error."""
        lines = []
        for job in self.failed.values():
            logs = f", log {', '.join(job.logs)}" if job.logs else ""
            lines += [f"rule {job.rule}, for {job.makes}{logs}", f"error: {error_in(job.logs)}"]
        return lines
