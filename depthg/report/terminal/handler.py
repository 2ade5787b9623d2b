"""The handler of Snakemake's log records: what each of them means for the lines of the jobs.

Snakemake's own output remains where more than that is asked for: `--dry-run`, `--printshellcmds`, `--verbose`,
`--debug-dag`. Snakemake's own log, in `.snakemake/log`, is complete in any case.
"""

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import OutputSettingsLoggerInterface

from depthg.report.terminal.chatter import STOPS, WAITS, is_chatter
from depthg.report.terminal.failures import error_of, is_of_job
from depthg.report.terminal.folder import open_folder
from depthg.report.terminal.jobs import Job, Jobs, clock, count_of
from depthg.report.terminal.screen import open_screen
from depthg.report.terminal.siblings import noted_siblings
from depthg.runtime.notes import EVERY, FOLDER


class LogHandler(LogHandlerBase):
    """Shows a run: a line for each job, how far the running ones are, and the errors last."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        settings = self.common_settings
        self.plain = _snakemakes_own(settings) if _wants_more(settings) else None
        if self.plain:
            return
        self.quiet = {str(kind).rpartition(".")[2].lower() for kind in settings.quiet or ()}
        self.jobs, self.errors, self.began = Jobs(), list[str](), time.time()
        self.ends = set[str]()  # why before its time: STOPS, WAITS
        self.told = set[str]()  # what all jobs of a stage say is worth a line
        # The lines are what jobs tell the user, who do not know of each other.
        self.notes, self.lines = open_folder()
        os.environ[FOLDER] = str(self.notes)
        self.screen = open_screen(sys.stderr, self.notes, not settings.nocolor)
        self.stopped = threading.Event()
        self.ticking = threading.Thread(target=self._tick, daemon=True)
        self.ticking.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a record of Snakemake tells."""
        if self.plain:
            self._shorten(record)
            self.plain.handle(record)
        elif "all" not in self.quiet:
            try:
                meaning = MEANINGS.get(getattr(record, "event", None))
                if meaning:
                    meaning(self, vars(record), record.created)
                self._draw(record.created)
            except Exception:
                self.handleError(record)

    def _shorten(self, record: logging.LogRecord) -> None:
        """Leave out of an error, a misspelt word for one, where in the rules it was found, unless all is asked for."""
        found = getattr(record, "event", None) is LogEvent.ERROR and not is_of_job(record.msg)
        if found and not self.common_settings.verbose:
            record.msg = f"error: {error_of(record.msg)}"

    def _tick(self) -> None:
        while not self.stopped.wait(EVERY):
            self.acquire()
            try:
                self._draw(time.time())
            finally:
                self.release()

    def _draw(self, now: float) -> None:
        """Pass on what jobs have told, and draw how far they are."""
        self._pass_on()
        if not self.quiet:
            self.screen.show(self.jobs, now)

    def _pass_on(self) -> None:
        for line in map(str.rstrip, self.lines):
            if line not in self.told and not line.startswith("error: "):  # that comes last
                self.screen.say(f"  {line}", "warning" if line.startswith("warning: ") else "info")
            self.told.add(line)

    def _plan(self, record: Mapping[str, Any], now: float) -> None:
        counts = dict(record["stats"])
        self.jobs.total = counts.pop("total")
        self._say(f"{count_of(self.jobs.total)}: {', '.join(f'{rule} {n}' for rule, n in counts.items())}")

    @cached_property
    def siblings(self) -> Mapping[str | None, int]:
        """Family → number of jobs: asked for when the first job begins, which is after the workflow has told."""
        return noted_siblings(self.notes)

    def _start(self, record: Mapping[str, Any], now: float) -> None:
        job = Job.of(record, now)
        self.jobs.start(record["jobid"], job, self.siblings.get(job.family, 1))

    def _finish(self, record: Mapping[str, Any], now: float) -> None:
        if record["job_id"] in self.jobs.running:
            self._pass_on()  # before its line
            if line := self.jobs.finish(record["job_id"], now):
                self._say(line)

    def _fail(self, record: Mapping[str, Any], now: float) -> None:
        if record["jobid"] in self.jobs.running:
            how = "stopped" if STOPS in self.ends else "failed"
            self._say(self.jobs.fail(record["jobid"], now, record["log"], how))

    def _fail_group(self, record: Mapping[str, Any], now: float) -> None:
        for job in record["job_error_info"]:
            self._fail({**job, "log": [*job["log"], *record["aux_logs"]]}, now)

    def _raise(self, record: Mapping[str, Any], now: float) -> None:
        if not is_of_job(record["msg"]):
            self.errors.append(error_of(record["msg"]))

    def _tell(self, record: Mapping[str, Any], now: float) -> None:
        text = str(record["msg"]).strip()
        if text.startswith((STOPS, WAITS)):
            self._end(STOPS if text.startswith(STOPS) else WAITS)
        elif is_chatter(text):  # some of it is an error in name
            return
        elif record["levelno"] >= logging.WARNING:
            self.screen.say(text, "warning")
        elif record["levelno"] >= logging.INFO:
            self._say(text)

    def _end(self, why: str) -> None:
        """The run is asked to end before its time; if it waits for jobs, say so, once."""
        if why == WAITS and not self.ends and self.jobs.running:
            self._say(f"asked to end: waits for {count_of(len(self.jobs.running))} to be done")
        self.ends.add(why)

    def _say(self, line: str) -> None:
        """Print a line unless the user wants quiet."""
        if not self.quiet:
            self.screen.say(line)

    def close(self) -> None:
        """The last words: that all is done, or the errors."""
        if not self.plain and not self.stopped.is_set():
            self.stopped.set()
            self.ticking.join()
            self._pass_on()
            self.screen.close()
            self._conclude()
            self.lines.close()
            os.environ.pop(FOLDER, None)
            shutil.rmtree(self.notes, ignore_errors=True)
        super().close()

    def _conclude(self) -> None:
        if "all" in self.quiet:
            return
        for line in self.jobs.unfinished():
            self._say(line)
        if STOPS not in self.ends:  # then jobs have failed because they were stopped
            for line in [*self.jobs.failures(), *(f"error: {error}" for error in self.errors)]:
                self.screen.say(line, "error" if line.startswith("error: ") else "where")
        if self.jobs.total and self.jobs.done == self.jobs.total:
            self._say(f"all done: {clock(time.time() - self.began)}")
        elif self.ends:
            self.screen.say("interrupted: the same command goes on where it stopped", "warning")


MEANINGS: dict[Any, Callable[[LogHandler, Mapping[str, Any], float], None]] = {
    None: LogHandler._tell,
    LogEvent.RUN_INFO: LogHandler._plan,
    LogEvent.JOB_INFO: LogHandler._start,
    LogEvent.JOB_FINISHED: LogHandler._finish,
    LogEvent.JOB_ERROR: LogHandler._fail,
    LogEvent.GROUP_ERROR: LogHandler._fail_group,
    LogEvent.ERROR: LogHandler._raise,
}


def _wants_more(settings: OutputSettingsLoggerInterface) -> bool:
    return settings.dryrun or settings.printshellcmds or settings.verbose or settings.debug_dag


def _snakemakes_own(settings: OutputSettingsLoggerInterface) -> logging.Handler:
    """The handler that Snakemake would use."""
    from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

    asked = settings.quiet, settings.debug_dag, settings.verbose, settings.dryrun, settings.printshellcmds
    return ColorizingTextHandler(
        nocolor=settings.nocolor,
        stream=sys.stdout if settings.stdout else sys.stderr,
        formatter=DefaultFormatter(settings.quiet, settings.show_failed_logs),
        filter=DefaultFilter(*asked),
    )
