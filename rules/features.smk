"""Needs: crops. Makes: the frozen backbone's tokens, computed once for all experiments."""


rule features:
    input:
        store("resources/{dataset}/{split}/crops"),
    output:
        store("resources/{dataset}/{split}/features/{backbone}"),
    params:
        backbone=lambda w: CONFIG.named("backbone", w.backbone).model_dump_json(),
        store=subpath(output[0], parent=True),
    log:
        "logs/{dataset}/{split}/features/{backbone}.log",
    benchmark:
        "logs/{dataset}/{split}/features/{backbone}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    resources:
        gpu=1,
    message:
        "{wildcards.dataset}: {wildcards.backbone} features of {wildcards.split} crops"
    shell:
        "depthg features --crops {input} --name {wildcards.backbone} --backbone {params.backbone:q} "
        "--threads {threads} --out {params.store} > {log} 2>&1"
