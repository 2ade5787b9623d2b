"""What rules read, where the configuration decides it: `input` and `params` functions, in the order of the data."""

import json
import re

from depthg.evaluation.classes import read_classes
from depthg.report.formats import write_table
from depthg.report.plan import plan
from depthg.stages import own_stages, shared_stages


def existing_root(wildcards):
    """Nothing to depend on, but a missing folder is told before anything runs."""
    check_root(wildcards.dataset, CONFIG.named("dataset", wildcards.dataset))
    return []


def published(path):
    """A file of weights that is here, or that rule `weights` fetches; a hub's are not files of ours."""
    return [path] if path and (Path(path).is_file() or Path(path).parent == WEIGHTS) else []


def weights_of(wildcards):
    return published(CONFIG.named("backbone", wildcards.backbone).weights)


def network_of(wildcards):
    return published(CONFIG.named("depth_source", wildcards.depth).model)


def features(split):
    """An `input` function: the features that an experiment works on."""
    return lambda wildcards: store(
        f"resources/{wildcards.dataset}/{split}/features/{settings_of(wildcards).backbone}"
    )


def neighbors_of(wildcards):
    return store(f"resources/{wildcards.dataset}/train/neighbors/{settings_of(wildcards).backbone}")


def geometry_of(wildcards):
    """The geometry store, only for experiments that read it."""
    own = settings_of(wildcards)
    path = f"resources/{wildcards.dataset}/train/geometry/{own.backbone}/{own.depth}/{own.geometry}"
    return [store(path)] if own.needs_geometry else []


def attention_of(wildcards):
    """The neighbours by attention, only for experiments that mix codes by them."""
    own = settings_of(wildcards)
    if own.lhp != "attention":
        return []
    CONFIG.expect_attention(own.backbone)
    return [store(f"resources/{wildcards.dataset}/train/attention/{own.backbone}")]


def view_of(wildcards):
    """The features of a photometric view, only for experiments that hold codes against it."""
    own = settings_of(wildcards)
    return [store(f"resources/{wildcards.dataset}/train/views/{own.backbone}")] if own.needs_view else []


def labelled_of(wildcards):
    """Labelled validation crops, only for experiments that select their weights by them."""
    if settings_of(wildcards).selection != "labels":
        return []
    folder = f"resources/{wildcards.dataset}"
    return [features("val")(wildcards), store(f"{folder}/val/crops"), f"{folder}/classes.csv"]


def clusters_of(wildcards, input):
    """How many centroids a codebook has: as set, or as many as classes, which are known once they are indexed."""
    own = settings_of(wildcards)
    if not own.codebook or not (own.clusters or Path(input.classes[0]).is_file()):
        return ""
    return f"--clusters {own.clusters or len(read_classes(Path(input.classes[0])))}"


def classes_of(wildcards):
    """The classes, only where a codebook has one centroid for each."""
    own = settings_of(wildcards)
    return [f"resources/{wildcards.dataset}/classes.csv"] if own.codebook and not own.clusters else []


def options(*names):
    """A `params` function: `--name paths` for each of these inputs that there is."""
    return lambda wildcards, input: " ".join(
        f"--{name} {' '.join(paths) if isinstance(paths, list) else paths}"
        for name in names
        if (paths := getattr(input, name))
    )


def shown_depth(wildcards):
    """The validation depth, only for experiments that read depth: others must not wait for a depth network."""
    own = settings_of(wildcards)
    return [store(f"resources/{wildcards.dataset}/val/depth/{own.depth}")] if own.needs_geometry else []


def shown_attention(wildcards):
    """The neighbours by attention, only of backbones that have attention."""
    backbone = CONFIG.resolve(wildcards.dataset).backbone
    path = store(f"resources/{wildcards.dataset}/train/attention/{backbone}")
    return [path] if CONFIG.named("backbone", backbone).has_attention else []


class OfOurs(dict):
    """The wildcards of a figure of a data set, which shows what the experiment `ours` does."""

    __getattr__ = dict.__getitem__

    def __init__(self, wildcards):
        super().__init__(dataset=wildcards.dataset, experiment="ours")


def as_ours(function):
    """An `input` or `params` function, on behalf of the experiment `ours`."""
    return lambda wildcards: function(OfOurs(wildcards))


def first_seeds(name, experiments):
    """An `input` function: one file of the first seed of each experiment."""
    return lambda wildcards: [
        f"results/{wildcards.dataset}/{experiment}/seed{own.seeds[0]}/{name}"
        for experiment in experiments
        if (own := CONFIG.resolve(wildcards.dataset, experiment))
    ]


def runs(name):
    """An `input` function: one file of every seed of an experiment."""
    return lambda wildcards: expand(
        "results/{dataset}/{experiment}/seed{seed}/{name}",
        dataset=wildcards.dataset,
        experiment=wildcards.experiment,
        seed=settings_of(wildcards).seeds,
        name=name,
    )


def header(wildcards):
    """What metrics.json says of the experiment besides its scores."""
    own = settings_of(wildcards)
    return json.dumps(
        {
            "dataset": wildcards.dataset,
            "experiment": wildcards.experiment,
            "backbone": own.backbone,
            "depth": own.depth if own.needs_geometry else None,
            "preset": CONFIG.preset_of(wildcards.dataset),
            "configuration_hash": fingerprint(own.model_dump()),
        }
    )


def stage_durations(wildcards):
    """The benchmark files of all that an experiment was made by."""
    own = settings_of(wildcards)
    stages = [*shared_stages(own), *own_stages(wildcards.experiment, own)]
    return [f"logs/{wildcards.dataset}/{stage}.tsv" for stage in stages]


def plan_of(wildcards):
    """What a table shows; `table5` is of its own data set, `demo/table5` of another."""
    dataset, _, name = wildcards.table.rpartition("/")
    return plan(CONFIG, name, dataset or None)
