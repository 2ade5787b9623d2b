"""What rules read, where the configuration decides it: `input` and `params` functions, in the order of the data."""

import json

from depthg.evaluation.classes import read_classes


def existing_root(wildcards):
    """Nothing to depend on, but a missing folder is told before anything runs."""
    check_root(wildcards.dataset, CONFIG.named("dataset", wildcards.dataset))
    return []


def weights_of(wildcards):
    """The backbone's file of weights, where it is one; the hub's weights are not files of ours."""
    weights = CONFIG.named("backbone", wildcards.backbone).weights
    return [weights] if weights and Path(weights).is_file() else []


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
    from depthg.attention import check_attention  # torch and timm: seconds that other experiments save

    check_attention(CONFIG.named("backbone", own.backbone), own.backbone)
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
    shared = ["index", f"train/neighbors/{own.backbone}"]
    for split in ("train", "val"):
        shared += [f"{split}/crops", f"{split}/depth/{own.depth}", f"{split}/features/{own.backbone}"]
    shared += [f"train/geometry/{own.backbone}/{own.depth}/{own.geometry}"]
    shared += [f"train/attention/{own.backbone}", f"train/views/{own.backbone}"]
    seeds = [
        f"{wildcards.experiment}/seed{seed}/{stage}"
        for seed in own.seeds
        for stage in ("train", "cluster", "evaluate")
    ]
    return [f"logs/{wildcards.dataset}/{stage}.tsv" for stage in shared + seeds]
