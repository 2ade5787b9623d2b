"""Needs: the table of images. Makes: square crops with labels, five of each training image."""


rule crops:
    input:
        "resources/{dataset}/{split}/images.csv",
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
        "depthg crops --images {input} --split {wildcards.split} --settings {params.settings:q} "
        "--out {params.store} > {log} 2>&1"
