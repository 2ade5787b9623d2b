"""Jobs that differ only in their seed, or in the part of a store that they write: they share a line.

How many there will be only the workflow knows: its `onstart` counts them, and the handler finds the numbers among the
notes of the jobs.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from depthg.runtime.notes import FOLDER

FILE = "siblings.json"  # family → number of its jobs, in the folder of the notes
KINDS = {
    "seed": "seeds",
    "part": "parts",
}  # the wildcard in which siblings differ → what they are called together
OWN = re.compile(r"(?:, seed| --part) \S+$")  # ends the message of a job that has siblings


def family_of(rule: str, wildcards: Mapping[str, str]) -> str | None:
    """What siblings have in common; None for a job that can have none."""
    common = {name: value for name, value in wildcards.items() if name not in KINDS}
    return json.dumps([rule, common], sort_keys=True) if len(common) < len(wildcards) else None


def kind_of(wildcards: Mapping[str, str]) -> str:
    """What a job and its siblings are called together; empty for one that can have none."""
    return next((plural for name, plural in KINDS.items() if name in wildcards), "")


def without_own(message: str) -> str:
    """The message of a job without what only it has.

    Example:
        >>> without_own("demo: train ours, seed 1"), without_own("demo: crop train images --part 2/5")
        ('demo: train ours', 'demo: crop train images')
    """
    return OWN.sub("", message)


def note_siblings(jobs: Iterable[Any]) -> None:
    """Tell the handler, if there is one, how many jobs of each family Snakemake is about to run."""
    folder = Path(os.environ.get(FOLDER) or os.devnull)
    if folder.is_dir():
        families = [family_of(job.rule.name, job.wildcards_dict) for job in jobs]
        (folder / FILE).write_text(json.dumps(Counter(family for family in families if family)))


def noted_siblings(folder: Path) -> dict[str | None, int]:
    """Family → number of its jobs; empty if nobody has told."""
    try:
        return json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
