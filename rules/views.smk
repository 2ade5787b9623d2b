"""Needs: crops. Makes: the frozen backbone's tokens of a photometric view of each, for consistent codes."""


rule views:
    input:
        crops=store("resources/{dataset}/{split}/crops"),
        weights=weights_of,
    output:
        store("resources/{dataset}/{split}/views/{backbone}"),
    log:
        "logs/{dataset}/{split}/views/{backbone}.log",
    benchmark:
        "logs/{dataset}/{split}/views/{backbone}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        backbone=named("backbone"),
        store=store_of,
    message:
        "{wildcards.dataset}: {wildcards.backbone} features of photometric views"
    shell:
        "depthg views --crops {input.crops:q} --name {wildcards.backbone:q} --backbone {params.backbone:q} "
        "--threads {threads} --out {params.store:q} > {log:q} 2>&1"
