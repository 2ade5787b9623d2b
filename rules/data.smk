"""Needs: the folder of a data set. Makes: tables of its images and classes, every file checked."""


rule index:
    input:
        existing_root,
    output:
        train="resources/{dataset}/train/images.csv",
        val="resources/{dataset}/val/images.csv",
        classes="resources/{dataset}/classes.csv",
    log:
        "logs/{dataset}/index.log",
    benchmark:
        "logs/{dataset}/index.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    params:
        dataset=lambda w: CONFIG.named("dataset", w.dataset).model_dump_json(
            exclude={"preset", "settings", "experiments"}
        ),
        out="resources/{dataset}",
    message:
        "{wildcards.dataset}: find and check images"
    shell:
        "depthg index --name {wildcards.dataset:q} --dataset {params.dataset:q} --out {params.out:q} > {log:q} 2>&1"
