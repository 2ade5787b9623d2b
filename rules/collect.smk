"""Needs: the scores of every seed. Makes: metrics.json and the figure of an experiment, scores.md of a data set."""

import json


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
            "depth": own.depth,
            "preset": CONFIG.preset,
            "seeds": own.seeds,
            "configuration_hash": fingerprint(own.model_dump()),
        }
    )


def stage_durations(wildcards):
    """The benchmark files of all that an experiment was made by."""
    own = settings_of(wildcards)
    shared = ["index"]
    for split in ("train", "val"):
        shared += [f"{split}/crops", f"{split}/depth/{own.depth}", f"{split}/features/{own.backbone}"]
    shared += [f"train/neighbors/{own.backbone}", f"train/geometry/{own.backbone}/{own.depth}"]
    seeds = [
        f"{wildcards.experiment}/seed{seed}/{stage}"
        for seed in own.seeds
        for stage in ("train", "cluster", "evaluate")
    ]
    return [f"logs/{wildcards.dataset}/{stage}.tsv" for stage in shared + seeds]


rule collect:
    input:
        metrics=runs("metrics.json"),
        figure="results/{dataset}/{experiment}/figure.png",  # scores come with the picture that explains them
    output:
        "results/{dataset}/{experiment}/metrics.json",
    params:
        header=header,
        runs=lambda w, input: [str(Path(path).parent) for path in input.metrics],
        durations=stage_durations,
    log:
        "logs/{dataset}/{experiment}/collect.log",
    benchmark:
        "logs/{dataset}/{experiment}/collect.tsv"
    conda:
        "../envs/depthg.yaml"
    message:
        "{wildcards.dataset}: collect the scores of {wildcards.experiment}"
    shell:
        "depthg collect --runs {params.runs} --header {params.header:q} "
        "--durations {params.durations} --out {output} > {log} 2>&1"


rule figure:
    input:
        predictions=lambda w: runs("predictions.npz")(w)[0],
        depth=lambda w: store(f"resources/{w.dataset}/val/depth/{settings_of(w).depth}"),
        classes="resources/{dataset}/classes.csv",
    output:
        "results/{dataset}/{experiment}/figure.png",
    log:
        "logs/{dataset}/{experiment}/figure.log",
    benchmark:
        "logs/{dataset}/{experiment}/figure.tsv"
    conda:
        "../envs/depthg.yaml"
    message:
        "{wildcards.dataset}: draw predictions of {wildcards.experiment}"
    shell:
        "depthg figure --predictions {input.predictions} --depth {input.depth} --classes {input.classes} "
        "--out {output} > {log} 2>&1"


rule scores:
    input:
        expand("results/{{dataset}}/{experiment}/metrics.json", experiment=CONFIG.experiments),
    output:
        "results/{dataset}/scores.md",
    log:
        "logs/{dataset}/scores.log",
    benchmark:
        "logs/{dataset}/scores.tsv"
    conda:
        "../envs/depthg.yaml"
    message:
        "{wildcards.dataset}: tabulate the scores of all experiments"
    shell:
        "depthg scores --metrics {input} --out {output} > {log} 2>&1"
