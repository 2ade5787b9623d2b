"""Where the lines go: plain ones into a file or a pipe; on a terminal, below them, those of the running jobs."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from depthg.report.terminal.bars import bars_of
from depthg.report.terminal.jobs import Jobs, clock, count_of

if TYPE_CHECKING:
    from rich.progress import TaskID

PACE, PACE_SHARE = 60.0, 0.1  # seconds between two lines of progress in a file, and share of what has passed
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
    """Lines without control characters: now and then one of how far a job is.

    Args:
        stream: where they go.
        notes: folder of the jobs' notes.
    """

    def __init__(self, stream: TextIO, notes: Path):
        self.stream, self.notes = stream, notes
        self.began = self.told = time.monotonic()

    def say(self, line: str, kind: str = "done") -> None:
        """Print a line."""
        print(line, file=self.stream, flush=True)

    def show(self, jobs: Jobs, now: float) -> None:
        """Print how far the running jobs are, at moments that lie ever further apart: a log has to stay short."""
        moment = time.monotonic()
        if moment - self.told >= max(PACE, PACE_SHARE * (moment - self.began)):
            self.told = moment
            for bar in bars_of(jobs, self.notes, now):
                self.say(f"  {bar.what}: {bar.time}")

    def close(self) -> None:
        """Nothing is there to be taken away."""


class Terminal:
    """A terminal, at the bottom of which each running job or family has a line with a bar, and all jobs together one.

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
        self.drawn = Progress(
            TextColumn("{task.description}", markup=False, table_column=what),
            BarColumn(16),
            TextColumn("{task.fields[time]}", markup=False, table_column=Column(no_wrap=True, min_width=18)),
            console=self.console,
            auto_refresh=False,
            transient=True,
            expand=True,
        )
        self.all = self.drawn.add_task("", time="")
        self.tasks: dict[int | str, TaskID] = {}

    def say(self, line: str, kind: str = "done") -> None:
        """Print a line above those of the running jobs."""
        self.console.print(line, style=STYLES[kind], soft_wrap=True)

    def show(self, jobs: Jobs, now: float) -> None:
        """Draw a line for each running job or family, and one for all."""
        bars = {bar.of: bar for bar in bars_of(jobs, self.notes, now)}
        for ended in self.tasks.keys() - bars.keys():
            self.drawn.remove_task(self.tasks.pop(ended))
        for of, bar in bars.items():
            if of not in self.tasks:
                self.tasks[of] = self.drawn.add_task("", time="")
            self.drawn.update(
                self.tasks[of], description=bar.what, completed=bar.done, total=bar.total, time=bar.time
            )
        if jobs.total:
            self._draw_all(jobs, now)

    def _draw_all(self, jobs: Jobs, now: float) -> None:
        """Draw the line of all jobs, and with it the others."""
        self.began = self.began or now
        what, time = f"{jobs.done} of {count_of(jobs.total)}", clock(now - self.began)
        self.drawn.update(self.all, description=what, completed=jobs.done, total=jobs.total, time=time)
        if not self.drawn.live.is_started:
            self.drawn.start()
            # Rich has hidden it, and `kill -9` would leave it so.
            self.console.show_cursor(True)
        self.drawn.refresh()

    def close(self) -> None:
        """Take away the lines of the running jobs."""
        self.drawn.stop()


def open_screen(stream: TextIO, notes: Path, colours: bool) -> Screen:
    """The screen for a stream; a dumb terminal gets plain lines."""
    if stream.isatty() and os.environ.get("TERM") not in ("dumb", None):
        return Terminal(stream, notes, colours)
    return Lines(stream, notes)
