"""Needs: crops. Makes: the frozen backbone's tokens, computed once for all experiments."""


rule features:
    input:
        crops=store("resources/{dataset}/{split}/crops"),
        weights=weights_of,
        parts=parts_of("resources/{dataset}/{split}/features/{backbone}"),
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
        gpu=lambda w, input: computes(input),
    params:
        backbone=named("backbone"),
        store=store_of,
        part=completed,
    message:
        "{wildcards.dataset}: {wildcards.backbone} features of {wildcards.split} crops {params.part}"
    shell:
        "depthg features --crops {input.crops:q} --name {wildcards.backbone:q} --backbone {params.backbone:q} "
        "--threads {threads} {params.part} --out {params.store:q} > {log:q} 2>&1"


use rule features as features_part with:
    output:
        part_of("resources/{dataset}/{split}/features/{backbone}"),
    log:
        "logs/{dataset}/{split}/features/{backbone}.{part}of{parts}.log",
    benchmark:
        "logs/{dataset}/{split}/features/{backbone}.{part}of{parts}.tsv"
    params:
        part="--part {part}/{parts}",
