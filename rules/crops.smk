"""Needs: the tables of images and classes. Makes: square crops with labels, five of each training image."""


rule crops:
    input:
        images="resources/{dataset}/{split}/images.csv",
        classes="resources/{dataset}/classes.csv",
    output:
        store("resources/{dataset}/{split}/crops"),
    log:
        "logs/{dataset}/{split}/crops.log",
    benchmark:
        "logs/{dataset}/{split}/crops.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 2
    params:
        settings=settings(CropSettings),
        store=subpath(output[0], parent=True),
    message:
        "{wildcards.dataset}: crop {wildcards.split} images"
    shell:
        "depthg crops --images {input.images} --classes {input.classes} --split {wildcards.split} "
        "--settings {params.settings:q} --out {params.store} > {log} 2>&1"
