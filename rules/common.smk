"""What the rules share: the resolved configuration, paths that depend on it, and the way a job runs."""

from functools import cache
from pathlib import Path

from depthg.config import load_project
from depthg.config.reading import read_yaml
from depthg.config.settings import (
    ClusterSettings,
    CropSettings,
    EvaluateSettings,
    NeighborSettings,
    ScheduleSettings,
    TrainSettings,
)
from depthg.data.records import check_root, root_of
from depthg.report.terminal.siblings import note_siblings
from depthg.runtime.files import fingerprint
from depthg.runtime.gpus import count_gpus
from depthg.store.arrays import MARKER
from depthg.store.runs import FOLDER, register_run
from depthg.weights.catalogue import FOLDER as WEIGHTS

for path in workflow.configfiles:
    read_yaml(Path(path))  # Snakemake itself drops the first of two equal keys unseen

CONFIG = load_project(config)  # over the shipped config.yaml: a project says only what differs

# The plain `--cores N` command runs one job for each GPU; a profile may set another total.
workflow.global_resources.setdefault("gpu", CONFIG.gpus or count_gpus() or workflow.cores or 1)

# After `kill -9` the same command goes on: the locks that a dead Snakemake has left here are lifted.
if workflow.is_main_process:
    register_run(FOLDER.absolute())

# A job's output goes to its log; progress bars and the final error go to the terminal through descriptor 3, or to the
# logger that draws the lines of all jobs. It ends with its Snakemake, even if that is killed.
shell.prefix(
    'set -euo pipefail; exec 3>&2; if [ -w "${{DEPTHG_NOTES-}}/lines" ]; then exec 3>>"$DEPTHG_NOTES/lines"; fi; '
    "export DEPTHG_TERMINAL=3 DEPTHG_SNAKEMAKE=$PPID; "
)


wildcard_constraints:
    dataset="[^/]+",
    experiment="[^/]+",
    split="train|val|scheduled",
    seed=r"\d+",
    part=r"\d+",
    parts=r"\d+",
    projected="|".join(name for name, backbone in CONFIG.backbones.items() if backbone.of) or "none",


resolved = cache(CONFIG.resolve)  # asked for a dozen times a job


def settings_of(wildcards):
    """The settings of the experiment that a path names, or those that all experiments of its data set share."""
    return resolved(wildcards.dataset, wildcards.get("experiment"))


@cache  # seeds share them
def sliced(dataset, experiment, part):
    return resolved(dataset, experiment).slice(part).model_dump_json()


def settings(part):
    """A `params` function: the slice of the settings that a stage depends on, as JSON."""
    return lambda wildcards: sliced(wildcards.dataset, wildcards.get("experiment"), part)


def named(section, wildcard=None):
    """A `params` function: the entry of a section that a path names, as JSON."""
    return lambda wildcards: CONFIG.named(section, wildcards.get(wildcard or section)).model_dump_json()


def store(path):
    """The marker file of a store: what Snakemake watches, written when the store is complete."""
    return f"{path}.zarr/{MARKER}"


def store_of(wildcards, output):
    """A `params` function: the folder of the store that a marker or the file of a part lies in."""
    return output[0].partition(".zarr/")[0] + ".zarr"


def part_of(path):
    """The file that says that a part of a store is written."""
    return f"{path}.zarr/parts/{{part}}of{{parts}}.json"


def parts_of(path):
    """An `input` function: the parts that a store is made of; none where it is made as a whole.

    A store that is there keeps its own, so that another number in config.yaml makes nothing anew. A job that
    Snakemake starts on another machine finds those that it needs.
    """

    def parts(wildcards):
        if "part" in wildcards.keys():
            return []  # is one itself
        own = path.format(**wildcards)
        if Path(store(own)).is_file() or not workflow.is_main_process:
            return sorted(map(str, Path(f"{own}.zarr/parts").glob("*of*.json")))
        numbers = range(1, CONFIG.parts + 1) if CONFIG.parts > 1 else []
        return expand(part_of(own), part=numbers, parts=CONFIG.parts)

    return parts


def computes(input):
    """1, or 0 for a job that only completes a store."""
    return int(not input.get("parts"))


def completed(wildcards, input):
    """A `params` function: of a store that was made in parts there is nothing left to do but complete it."""
    return f"--part all/{len(input.parts)}" if input.parts else ""


def reported(path, caption, category, **labels):
    """An output that `snakemake --report` shows, below its data set, with the caption of workflow/report."""
    below = {"subcategory": "{dataset}"} if "{dataset}" in path else {}
    return report(
        path, caption=f"../workflow/report/{caption}.rst", category=category, labels=labels, **below
    )


def drawn(path, figure, experiment="ours"):
    """A figure of an experiment, for the report."""
    return reported(path, figure, "Figures", figure=figure, experiment=experiment)
