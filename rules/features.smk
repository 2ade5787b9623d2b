"""Needs: crops. Makes: the frozen backbone's tokens, computed once for all experiments."""


rule features:
    input:
        crops=store("resources/{dataset}/{split}/crops"),
        weights=weights_of,
    output:
        store("resources/{dataset}/{split}/features/{backbone}"),
    log:
        "logs/{dataset}/{split}/features/{backbone}.log",
    benchmark:
        "logs/{dataset}/{split}/features/{backbone}.tsv"
    wildcard_constraints:
        backbone="|".join(name for name, backbone in CONFIG.backbones.items() if backbone.model),
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        backbone=lambda w: CONFIG.named("backbone", w.backbone).model_dump_json(),
        store=subpath(output[0], parent=True),
    message:
        "{wildcards.dataset}: {wildcards.backbone} features of {wildcards.split} crops"
    shell:
        "depthg features --crops {input.crops} --name {wildcards.backbone} --backbone {params.backbone:q} "
        "--threads {threads} --out {params.store} > {log} 2>&1"
