"""Needs: validation crops. Makes: the frozen backbone's tokens of their mirror images, for evaluation with `flip`."""


rule mirrored:
    input:
        crops=store("resources/{dataset}/val/crops"),
        weights=weights_of,
        parts=parts_of("resources/{dataset}/val/mirrored/{backbone}"),
    output:
        store("resources/{dataset}/val/mirrored/{backbone}"),
    log:
        "logs/{dataset}/val/mirrored/{backbone}.log",
    benchmark:
        "logs/{dataset}/val/mirrored/{backbone}.tsv"
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
        "{wildcards.dataset}: {wildcards.backbone} features of mirrored val crops {params.part}"
    shell:
        "depthg mirrored --crops {input.crops:q} --name {wildcards.backbone:q} --backbone {params.backbone:q} "
        "--threads {threads} {params.part} --out {params.store:q} > {log:q} 2>&1"


use rule mirrored as mirrored_part with:
    output:
        part_of("resources/{dataset}/val/mirrored/{backbone}"),
    log:
        "logs/{dataset}/val/mirrored/{backbone}.{part}of{parts}.log",
    benchmark:
        "logs/{dataset}/val/mirrored/{backbone}.{part}of{parts}.tsv"
    params:
        part="--part {part}/{parts}",
