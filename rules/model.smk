"""Needs: head, probes and scores of the first seed, and what was said of its clusters. Makes: the model's folder, and the masks of all images."""


rule export:
    input:
        model=lambda w: runs("model.safetensors")(w)[0],
        probes=lambda w: runs("probes.safetensors")(w)[0],
        metrics=lambda w: runs("metrics.json")(w)[0],
        images=expand("resources/{{dataset}}/{split}/images.csv", split=("train", "val")),
        classes="resources/{dataset}/classes.csv",
        clusters=named_clusters,
    output:
        multiext(
            "results/{dataset}/{experiment}/model/",
            config="config.json",
            head="head.safetensors",
            probes="probes.safetensors",
            card="README.md",
        ),
    log:
        "logs/{dataset}/{experiment}/model.log",
    benchmark:
        "logs/{dataset}/{experiment}/model.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        recipe=recipe,
        out=subpath(output.config, parent=True),
    message:
        "{wildcards.dataset}: the model of {wildcards.experiment}"
    shell:
        "depthg export {wildcards.dataset:q} {wildcards.experiment:q} --recipe {params.recipe:q} "
        "--out {params.out:q} > {log:q} 2>&1"


rule masks:
    input:
        model="results/{dataset}/{experiment}/model/config.json",
        images=expand("resources/{{dataset}}/{split}/images.csv", split=("train", "val")),
    output:
        "results/{dataset}/{experiment}/masks/areas.csv",
    log:
        "logs/{dataset}/{experiment}/masks.log",
    benchmark:
        "logs/{dataset}/{experiment}/masks.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 4
    resources:
        gpu=1,
    params:
        out=subpath(output[0], parent=True),
    message:
        "{wildcards.dataset}: segment all images with {wildcards.experiment}"
    shell:
        "depthg segment {input.images:q} --model {input.model:q} --out {params.out:q} --threads {threads} "
        "--resume > {log:q} 2>&1"
