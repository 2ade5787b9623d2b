"""The jobs of a run, as Snakemake tells of them, and their lines: one each, or one for siblings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from depthg.report.terminal.failures import error_in
from depthg.report.terminal.siblings import family_of, kind_of, without_own
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
        family: what it has in common with its siblings, None if it can have none.
        kind: what it and its siblings are called together, as `seeds`.
    """

    what: str
    rule: str
    makes: str
    logs: Sequence[str]
    began: float
    family: str | None = None
    kind: str = ""

    @classmethod
    def of(cls, record: Mapping[str, Any], began: float) -> "Job":
        """The job that a record of Snakemake tells of."""
        rule, wildcards = record["rule_name"], record.get("wildcards") or {}
        what, makes = (record["rule_msg"] or rule).strip(), (record["output"] or [""])[0]
        return cls(what, rule, makes, record["log"], began, family_of(rule, wildcards), kind_of(wildcards))

    def note(self, folder: Path) -> Note | None:
        """How far it is."""
        return next((note for log in self.logs if (note := Note.read(folder, Path(log)))), None)


@dataclass
class Family:
    """Jobs that share a line: `size` of them, of which `done` took so many `seconds` together.

    Attributes:
        looks: how many were done, shares included, and when: at the first look that found any, and at the last rise.
    """

    what: str
    kind: str
    size: int
    done: int = 0
    seconds: float = 0.0
    looks: list[tuple[float, float]] = field(default_factory=list)

    def left(self, done: float, now: float) -> float | None:
        """Seconds to go when so many are done, by the pace between the first progress and the last; None without."""
        if done and (not self.looks or done > self.looks[-1][0]):
            self.looks = [*self.looks[:1], (done, now)]
        if len(self.looks) < 2:
            return None
        (before, then), (after, last) = self.looks
        return max(0.0, (self.size - after) * (last - then) / (after - before) - (now - last))

    def __str__(self) -> str:
        part = f"{self.done} of " if self.done < self.size else ""
        return f"{self.what}, {part}{self.size} {self.kind}: {clock(self.seconds)} in all"


@dataclass
class Jobs:
    """All jobs of a run: how many there are, those that run and those that failed, by Snakemake's numbers of them."""

    total: int = 0
    done: int = 0
    running: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)
    families: dict[str | None, Family] = field(default_factory=dict)

    def start(self, number: int, job: Job, siblings: int = 1) -> None:
        """A job begins, for the first time or again; it is one of so many siblings."""
        self.running[number] = job
        self.failed.pop(number, None)
        if siblings > 1 and job.family not in self.families:
            self.families[job.family] = Family(without_own(job.what), job.kind, siblings)

    def finish(self, number: int, now: float) -> str | None:
        """A job is done: its line, or that of its family if it was the last of it."""
        self.done += 1
        job = self.running.pop(number)
        family = self.families.get(job.family)
        if family is None:
            return self._line(f"{job.what}: {clock(now - job.began)}")
        family.done += 1
        family.seconds += now - job.began
        return self._line(str(family)) if family.done == family.size else None

    def fail(self, number: int, now: float, logs: Sequence[str], how: str = "failed") -> str:
        """A job failed: its line; `logs` may hold more than it began with."""
        job = self.running.pop(number)
        self.failed[number] = job._replace(logs=logs)
        return self._line(f"{job.what}: {how} after {clock(now - job.began)}")

    def _line(self, text: str) -> str:
        return f"{self.done:>{len(str(self.total))}}/{self.total}  {text}"

    def unfinished(self) -> list[str]:
        """A line for each family of which only some are done."""
        begun = (family for family in self.families.values() if 0 < family.done < family.size)
        return [self._line(str(family)) for family in begun]

    def failures(self) -> list[str]:
        """Two lines for each failed job: where to look, and its error."""
        lines = []
        for job in self.failed.values():
            logs = f", log {', '.join(job.logs)}" if job.logs else ""
            lines += [f"rule {job.rule}, for {job.makes}{logs}", f"error: {error_in(job.logs)}"]
        return lines
