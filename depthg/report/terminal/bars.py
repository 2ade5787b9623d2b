"""What is drawn of the running jobs: a bar for each, or one for all of a family, with the time left."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from depthg.report.terminal.jobs import Family, Job, Jobs, clock
from depthg.runtime.notes import Note


class Bar(NamedTuple):
    """A bar.

    Attributes:
        of: the job, by its number, or the family.
        what: what is said of it.
        done: steps, or jobs and parts of them.
        total: of all; None if it is not known.
        time: how long it will take, or has taken.
    """

    of: int | str
    what: str
    done: float
    total: float | None
    time: str


def bars_of(jobs: Jobs, notes: Path, now: float) -> Iterator[Bar]:
    """The bars of the jobs that run, from the notes in a folder."""
    families: dict[str | None, list[Job]] = {}
    for number, job in jobs.running.items():
        if job.family in jobs.families:
            families.setdefault(job.family, []).append(job)
        else:
            yield _of_job(number, job, job.note(notes), now)
    for key, running in families.items():
        yield _of_family(str(key), jobs.families[key], [job.note(notes) for job in running], now)


def _of_job(number: int, job: Job, note: Note | None, now: float) -> Bar:
    if note is None or not note.total:
        return Bar(number, job.what, 0, None, clock(now - job.began))
    left = None if note.left is None else max(0, note.left - (now - note.at))
    return Bar(number, job.what, note.done, note.total, _text(note.done / note.total, left))


def _of_family(key: str, family: Family, notes: list[Note | None], now: float) -> Bar:
    """A job that runs counts by the share of it that is done."""
    done = family.done + sum(note.done / note.total for note in notes if note and note.total)
    what = f"{family.what}, {family.done}/{family.size} {family.kind}"
    return Bar(key, what, done, family.size, _text(done / family.size, family.left(done, now)))


def _text(share: float, left: float | None) -> str:
    return f"{share:.0%}" + ("" if left is None else f", {clock(left)} left")
