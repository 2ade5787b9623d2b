"""`input` and `params` functions of rules whose inputs depend on the configuration, in the order of the data."""

import json
import re
import shlex

from depthg.config.recipe import Recipe
from depthg.data.classes import read_classes
from depthg.data.records import check_classes, check_training_labels
from depthg.report.plan.counts import check_pool
from depthg.report.tables.contents import plan_table, published
from depthg.report.tables.results import run_jobs


def existing_root(wildcards):
    """No input, but an error before anything runs if the folder of the data set is missing."""
    check_root(wildcards.dataset, CONFIG.named("dataset", wildcards.dataset))
    return []


def weights_file(path):
    """A weights file that exists or that rule `weights` fetches; nothing for a model of the hub."""
    return [path] if path and (Path(path).is_file() or Path(path).parent == WEIGHTS) else []


def weights_of(wildcards):
    return weights_file(CONFIG.named("backbone", wildcards.backbone).weights)


def network_of(wildcards):
    return weights_file(CONFIG.named("depth_source", wildcards.depth).model)


def whole(wildcards):
    """The split of the images that crops are cut from."""
    return "train" if wildcards.split == "scheduled" else wildcards.split


def images_of(wildcards):
    return f"resources/{wildcards.dataset}/{whole(wildcards)}/images.csv"


def shared_store(wildcards, split, path):
    """A store below a split's folder, for the backbone, depth and geometry of the settings."""
    own = settings_of(wildcards)
    named = path.format(backbone=own.backbone, depth=own.depth, geometry=own.geometry)
    return store(f"resources/{wildcards.dataset}/{split}/{named}")


def of_training(path):
    """An `input` function: a store that training reads, of all training crops or of the scheduled ones."""
    return lambda wildcards: shared_store(wildcards, settings_of(wildcards).training_split, path)


def val_features(wildcards):
    return shared_store(wildcards, "val", "features/{backbone}")


def mirrored_of(wildcards):
    """The features of mirrored validation crops, only for experiments that average codes with theirs."""
    return [shared_store(wildcards, "val", "mirrored/{backbone}")] if settings_of(wildcards).flip else []


def mean_features(wildcards):
    """The store of mean features to find neighbours by; `pooled` if only scheduled crops have all their features."""
    of_all = settings_of(wildcards).training_crops == "all"
    return store(
        f"resources/{wildcards.dataset}/train/{'features' if of_all else 'pooled'}/{wildcards.backbone}"
    )


def neighbors_of(wildcards):
    return shared_store(wildcards, "train", "neighbors/{backbone}")


def schedule_of(wildcards):
    """The store of scheduled crops, only for experiments that train on them."""
    scheduled = settings_of(wildcards).training_crops == "scheduled"
    return [of_training("crops")(wildcards)] if scheduled else []


geometry_store = of_training("geometry/{backbone}/{depth}/{geometry}")


def geometry_of(wildcards):
    """The geometry store, only for experiments that read it."""
    return [geometry_store(wildcards)] if settings_of(wildcards).needs_geometry else []


def targets_geometry(wildcards):
    """The geometry store, only for experiments whose samples or targets are read from it, not mixed codes alone."""
    own = settings_of(wildcards).model_copy(update={"lhp": "none"})
    return [geometry_store(wildcards)] if own.needs_geometry else []


def attention_of(wildcards):
    """The attention store, only for experiments that mix codes by attention."""
    own = settings_of(wildcards)
    if own.lhp != "attention":
        return []
    CONFIG.expect_attention(own.backbone)
    whole = own.mixing == "released"
    return [of_training("attention_maps/{backbone}" if whole else "attention/{backbone}")(wildcards)]


def fitting_pool(wildcards):
    """No input, but an error before anything runs if a pool is larger than the data set."""
    own = settings_of(wildcards)
    if own.objective == "hidden_positives":
        dataset = CONFIG.named("dataset", wildcards.dataset)
        check_pool(wildcards.dataset, dataset, own, CONFIG.network(own.backbone))
    return []


def mean_of(wildcards):
    """The mean token, only for experiments that take it off."""
    return [of_training("mean/{backbone}")(wildcards)] if settings_of(wildcards).tokens == "centred" else []


def view_of(wildcards):
    """The features of a photometric view, only for experiments that compare codes with its codes."""
    return [of_training("views/{backbone}")(wildcards)] if settings_of(wildcards).needs_view else []


def labelled_of(wildcards):
    """Labelled validation crops, only for experiments that select their weights by mIoU."""
    if settings_of(wildcards).selection != "labels":
        return []
    folder = f"resources/{wildcards.dataset}"
    return [val_features(wildcards), store(f"{folder}/val/crops"), f"{folder}/classes.csv"]


@cache  # a list of a million images takes seconds to read, and each job asks
def labels_of(dataset):
    """An error before anything runs if no training image of a data set has a label."""
    check_training_labels(dataset, CONFIG.named("dataset", dataset))


@cache
def classes_known(dataset):
    """An error before anything runs if a data set has no classes, of which one cluster each would be made."""
    check_classes(dataset, CONFIG.named("dataset", dataset))


def known_clusters(wildcards):
    """No input, but an error before anything runs if it is open how many clusters are to be made."""
    if not settings_of(wildcards).clusters:
        classes_known(wildcards.dataset)
    return []


def matched_by(wildcards):
    """Labelled training features and crops, only for experiments that match clusters by them.

    That the training images have no labels is told before anything runs.
    """
    if settings_of(wildcards).matching != "train":
        return []
    labels_of(wildcards.dataset)
    return [of_training("features/{backbone}")(wildcards), of_training("crops")(wildcards)]


def clusters_of(wildcards, input):
    """The option for the number of clusters, where training must know it: as configured, or of indexed classes."""
    own = settings_of(wildcards)
    if not own.needs_clusters or not (own.clusters or Path(input.classes[0]).is_file()):
        return ""
    return f"--clusters {own.clusters or len(read_classes(Path(input.classes[0])))}"


def classes_of(wildcards):
    """The classes, only where training makes one cluster for each."""
    own = settings_of(wildcards)
    return [f"resources/{wildcards.dataset}/classes.csv"] if own.needs_clusters and not own.clusters else []


def options(*names):
    """A `params` function: `--name paths`, quoted for the shell, for each of these inputs that is not empty."""
    return lambda wildcards, input: " ".join(
        f"--{name} {shlex.join([paths] if isinstance(paths, str) else paths)}"
        for name in names
        if (paths := getattr(input, name))
    )


def shown_depth(wildcards):
    """The validation depth, only for experiments that read depth: others need no depth network."""
    needed = settings_of(wildcards).needs_geometry
    return [shared_store(wildcards, "val", "depth/{depth}")] if needed else []


def named_clusters(wildcards):
    """The names of clusters, where somebody gave them."""
    path = f"results/{wildcards.dataset}/{wildcards.experiment}/clusters.yaml"
    return [path] if Path(path).is_file() else []


def cluster_names(wildcards):
    """What the user says of the clusters of an experiment, where there is something, and the probes that have them."""
    named = named_clusters(wildcards)
    return [*named, runs("probes.safetensors")(wildcards)[0]] if named else []


def shown_in_report(wildcards):
    """What the report shows of an experiment besides its results: the validation crops, depth, and names of clusters."""
    crops = store(f"resources/{wildcards.dataset}/val/crops")
    return [val_features(wildcards), crops, *shown_depth(wildcards), *cluster_names(wildcards)]


def histograms_of(wildcards):
    """The histograms of what the terms of an experiment's loss ask; none of what trains nothing, or by other terms."""
    own = settings_of(wildcards)
    drawn = own.steps and own.objective == "correlation"
    return [f"results/{wildcards.dataset}/{wildcards.experiment}/correlations.json"] if drawn else []


def shown_attention(wildcards):
    """The attention store, only for backbones that have attention."""
    backbone = CONFIG.resolve(wildcards.dataset).backbone
    path = of_training("attention/{backbone}")
    return [path(wildcards)] if CONFIG.named("backbone", backbone).has_attention else []


class Experiment(dict):
    """The wildcards of an experiment of a data set, for a file that is not of one experiment."""

    __getattr__ = dict.__getitem__

    def __init__(self, wildcards, name):
        super().__init__(dataset=wildcards.dataset, experiment=name)


def as_ours(function):
    """An `input` or `params` function, called for the experiment `ours`."""
    return lambda wildcards: function(Experiment(wildcards, "ours"))


def of_compared(function):
    """An `input` function: what another one gives for the experiments that are compared, each path once."""
    return lambda wildcards: list(
        dict.fromkeys(path for name in CONFIG.compared for path in function(Experiment(wildcards, name)))
    )


def first_seeds(name, experiments):
    """An `input` function: one file of the first seed of each experiment."""
    return lambda wildcards: [
        f"results/{wildcards.dataset}/{experiment}/seed{min(own.seeds)}/{name}"
        for experiment in experiments
        if (own := CONFIG.resolve(wildcards.dataset, experiment))
    ]


def runs(name):
    """An `input` function: one file of every seed of an experiment, the lowest first."""
    return lambda wildcards: expand(
        "results/{dataset}/{experiment}/seed{seed}/{name}",
        dataset=wildcards.dataset,
        experiment=wildcards.experiment,
        seed=sorted(settings_of(wildcards).seeds),
        name=name,
    )


def recipe(wildcards):
    """What the model of an experiment was made with, as JSON."""
    return Recipe.of(CONFIG, wildcards.dataset, wildcards.experiment).model_dump_json()


def header(wildcards):
    """The metadata of an experiment in metrics.json, as JSON."""
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
    """The benchmark files of all jobs of an experiment."""
    jobs = run_jobs(wildcards.experiment, settings_of(wildcards), CONFIG)
    return [f"logs/{wildcards.dataset}/{job}.tsv" for job in jobs]


def plan_of(wildcards):
    """The plan of a table: `table5` on its own data set, `demo/table5` on another one."""
    dataset, _, name = wildcards.table.rpartition("/")
    return plan_table(CONFIG, name, dataset or None)
