"""What went wrong, in one line: out of the log of a job, or of what Snakemake says of an exception."""

import re
from collections.abc import Iterable
from pathlib import Path

TAIL = 1 << 16  # bytes of a log that are read, from its end
OURS = re.compile(r"^\s*DepthGError(?: in (?:rule|file) .*)?:\s*(.+)$", re.MULTILINE)
NO_RULE = re.compile(r"^No rule to produce (.+?)(?: \(if you use input functions .*)?\.?$", re.MULTILINE)
NO_YAML = "Config file is not valid JSON or YAML"
CLASS = re.compile(r"^\w+(?:Error|Exception):\n")
WHERE = re.compile(r'^\s+File ".*", line \d+.*\n?', re.MULTILINE)
SILENT = "ended without a word of why: it may have been killed, for want of memory"
OF_JOBS = ("At least one job did not complete successfully.", "CalledProcessError in ")


def error_in(logs: Iterable[str]) -> str:
    """The last error that a job has written into its logs, else that there is none, with their last line."""
    lines = [line.strip() for log in logs for line in _tail(Path(log)) if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    return f"{SILENT}; its last line: {lines[-1]}" if lines else SILENT


def is_of_job(message: str) -> bool:
    """Whether an exception only says that a job has failed, of which its log says more."""
    return any(words in message for words in OF_JOBS)


def error_of(message: str) -> str:
    """What Snakemake says of an exception, without what only says where in the rules it was raised."""
    if found := OURS.findall(message):
        return found[-1].strip()
    if found := NO_RULE.findall(message):
        return f"{found[0]}: no rule makes this: see `snakemake --help` and the README for what can be made"
    if NO_YAML in message:  # Snakemake names neither the file nor the line
        return (
            "config.yaml, or what --configfile names, is no YAML: `depthg config show demo auto` says where, for the "
            "latter with `--config-file` and its path"
        )
    return CLASS.sub("", WHERE.sub("", message)).strip()


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL))
            return stream.read().decode(errors="replace").splitlines()
    except OSError:
        return []
