"""Runs of the workflow that a signal hits at some moment of a stage, and what must hold afterwards."""

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.workflow.conftest import Project

MADE = ("resources", "results")
PATIENCE = 1800  # seconds: a run that has not ended then hangs


class Hit(NamedTuple):
    """A signal, to whom it goes, and when: so many seconds after a command of a stage has begun.

    `whom` is `group` (Snakemake and all jobs, as Ctrl-C in a terminal or the end of a session), `snakemake` alone, or
    `job`, one of those of the stage.
    """

    signal: signal.Signals
    whom: str
    stage: str
    delay: float

    def __str__(self) -> str:
        return f"{self.signal.name} to {self.whom} in {self.stage} after {self.delay:.2f} s"


class Ended(NamedTuple):
    """How a run ended: what it printed, its status, whether the signal hit anybody, and the processes left of it."""

    printed: str
    status: int
    hit: bool
    orphans: list[str]


def run(
    project: Project,
    target: str,
    hit: Hit | None = None,
    meanwhile: Callable[[subprocess.Popen], object] | None = None,
) -> Ended:
    """Run the workflow to its end, and let a signal hit it, or something else happen, on the way."""
    with open(project.folder / "printed", "w+") as printed:
        call = project.call(target)
        with subprocess.Popen(
            **call, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True
        ) as process:
            was_hit = hit is not None and deliver(hit, process)
            if meanwhile:
                meanwhile(process)
            status = process.wait(PATIENCE)
        printed.seek(0)
        return Ended(printed.read(), status, was_hit, list(left_of(process.pid)))


def deliver(hit: Hit, process: subprocess.Popen) -> bool:
    """Send the signal at its moment; whether there was still somebody to hit."""
    job = wait_for_job(process, hit.stage)
    time.sleep(hit.delay if job else 0)
    try:
        if hit.whom == "group":
            os.killpg(process.pid, hit.signal)
        else:
            os.kill(job if hit.whom == "job" else process.pid, hit.signal)
    except (ProcessLookupError, TypeError):
        return False
    return True


def wait_for_job(process: subprocess.Popen, stage: str) -> int | None:
    """The process of a command of a stage, as soon as it is there; None if the run ends without one."""
    while process.poll() is None:
        if job := job_of(process.pid, stage):
            return job
        time.sleep(0.02)
    return None


def job_of(process: int, stage: str) -> int | None:
    """The process of a command of a stage that runs below another process."""
    for number, words in commands(psutil.Process(process).children, recursive=True):
        if any(Path(word).name == "depthg" for word in words[:2]) and stage in words[:4]:
            return number
    return None


def commands(processes, **options) -> Iterator[tuple[int, list[str]]]:
    """Number and command line of those processes that are still there when they are looked at."""
    try:
        for process in processes(**options):
            with suppress(psutil.NoSuchProcess):
                yield process.pid, process.cmdline()
    except psutil.NoSuchProcess:
        return


def left_of(session: int, within: float = 5) -> Iterator[str]:
    """The processes of a session that do not end within some seconds."""
    until = time.monotonic() + within
    while members := [words for number, words in commands(psutil.process_iter) if is_in(number, session)]:
        if time.monotonic() > until:
            yield from (" ".join(words[:4]) for words in members)
            return
        time.sleep(0.05)


def is_in(process: int, session: int) -> bool:
    try:
        return os.getsid(process) == session
    except ProcessLookupError:
        return False


def artifacts(folder: Path) -> dict[str, bytes]:
    """All that was made, by path; times are taken out of metrics.json."""
    files = (path for made in MADE for path in (folder / made).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): content_of(path) for path in files}


def content_of(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name != "metrics.json":
        return content
    return json.dumps({k: v for k, v in json.loads(content).items() if k != "durations"}).encode()


def finished(folder: Path) -> dict[str, int]:
    """Outputs that Snakemake has noted as finished, with the time of their last change in nanoseconds."""
    notes = folder / ".snakemake"
    named = {name_of(path) for path in (notes / "metadata").rglob("*") if path.is_file()}
    named -= {name_of(path) for path in (notes / "incomplete").rglob("*") if path.is_file()}
    return {name: path.stat().st_mtime_ns for name in named if (path := folder / name).is_file()}


def name_of(note: Path) -> str:
    """The output that a note of Snakemake's is about: its path in base64, in folders if it is long."""
    below = note.parts[note.parts.index(".snakemake") + 2 :]
    return base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in below)).decode()
