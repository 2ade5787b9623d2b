"""Needs: the tables of images and classes. Makes: square crops with labels, five of each training image."""


rule crops:
    input:
        images="resources/{dataset}/{split}/images.csv",
        classes="resources/{dataset}/classes.csv",
        parts=parts_of("resources/{dataset}/{split}/crops"),
    output:
        store("resources/{dataset}/{split}/crops"),
    log:
        "logs/{dataset}/{split}/crops.log",
    benchmark:
        "logs/{dataset}/{split}/crops.tsv"
    wildcard_constraints:
        split="train|val",
    conda:
        "../envs/depthg.yaml"
    threads: 2
    params:
        settings=settings(CropSettings),
        store=store_of,
        part=completed,
    message:
        "{wildcards.dataset}: crop {wildcards.split} images {params.part}"
    shell:
        "depthg crops --images {input.images:q} --classes {input.classes:q} --split {wildcards.split:q} "
        "--settings {params.settings:q} {params.part} --out {params.store:q} > {log:q} 2>&1"


use rule crops as crops_part with:
    output:
        part_of("resources/{dataset}/{split}/crops"),
    log:
        "logs/{dataset}/{split}/crops.{part}of{parts}.log",
    benchmark:
        "logs/{dataset}/{split}/crops.{part}of{parts}.tsv"
    params:
        part="--part {part}/{parts}",
