"""Where the lines go: plain ones into a file or a pipe; on a terminal, below them, those of the running jobs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from depthg.report.terminal.jobs import Job, Jobs, clock, count_of

if TYPE_CHECKING:
    from rich.progress import TaskID

STYLES = {"error": "bold red", "warning": "yellow", "info": "dim", "done": "", "where": ""}


class Screen(Protocol):
    """What a run is shown on."""

    def say(self, line: str, kind: str = "done") -> None:
        """Print a line that stays; `kind` is a key of STYLES."""

    def show(self, jobs: Jobs, now: float) -> None:
        """Draw how far the running jobs are, in place of what was drawn before."""

    def close(self) -> None:
        """Take away what was drawn."""


class Lines:
    """Lines without control characters."""

    def __init__(self, stream: TextIO):
        self.stream = stream

    def say(self, line: str, kind: str = "done") -> None:
        """Print a line."""
        print(line, file=self.stream, flush=True)

    def show(self, jobs: Jobs, now: float) -> None:
        """Nothing: a line that changes cannot be printed."""

    def close(self) -> None:
        """Nothing is there to be taken away."""


class Terminal:
    """A terminal, at the bottom of which each running job has a line with a bar, and all jobs together one.

    Args:
        stream: the terminal.
        notes: folder of the jobs' notes.
        colours: whether to use colours.
    """

    def __init__(self, stream: TextIO, notes: Path, colours: bool):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self.notes, self.began = notes, 0.0
        self.console = Console(file=stream, highlight=False, markup=False, emoji=False, no_color=not colours)
        what = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self.bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=what),
            BarColumn(16),
            TextColumn("{task.fields[time]}", markup=False, table_column=Column(no_wrap=True, min_width=18)),
            console=self.console,
            auto_refresh=False,
            transient=True,
            expand=True,
        )
        self.all = self.bars.add_task("", time="")
        self.tasks: dict[int, TaskID] = {}

    def say(self, line: str, kind: str = "done") -> None:
        """Print a line above those of the running jobs."""
        self.console.print(line, style=STYLES[kind], soft_wrap=True)

    def show(self, jobs: Jobs, now: float) -> None:
        """Draw a line for each running job, and one for all."""
        for number in self.tasks.keys() - jobs.running.keys():
            self.bars.remove_task(self.tasks.pop(number))
        for number, job in jobs.running.items():
            if number not in self.tasks:
                self.tasks[number] = self.bars.add_task(job.what, time="")
            self._update(self.tasks[number], job, now)
        if not jobs.total:
            return
        self.began = self.began or now
        self.bars.update(
            self.all,
            description=f"{jobs.done} of {count_of(jobs.total)}",
            completed=jobs.done,
            total=jobs.total,
            time=clock(now - self.began),
        )
        self.bars.start()
        self.bars.refresh()

    def _update(self, task: "TaskID", job: Job, now: float) -> None:
        note = job.note(self.notes)
        if note is None or not note.total:
            self.bars.update(task, completed=0, total=None, time=clock(now - job.began))
            return
        left = "" if note.left is None else f", {clock(max(0, note.left - (now - note.at)))} left"
        text = f"{note.done / note.total:.0%}{left}"
        self.bars.update(task, completed=note.done, total=note.total, time=text)

    def close(self) -> None:
        """Take away the lines of the running jobs."""
        self.bars.stop()


def open_screen(stream: TextIO, notes: Path, colours: bool) -> Screen:
    """The screen for a stream; a dumb terminal gets plain lines."""
    if stream.isatty() and os.environ.get("TERM") not in ("dumb", None):
        return Terminal(stream, notes, colours)
    return Lines(stream)
