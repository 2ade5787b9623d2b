"""Needs: training crops. Makes: mean vectors of all, and the store of those crops that trainings will draw.

Only where training_crops says `scheduled`: neighbours need no more of a crop than its mean vector, and which crops
are drawn follows from the neighbours and the seeds.
"""


rule pooled:
    input:
        crops=store("resources/{dataset}/train/crops"),
        weights=weights_of,
        parts=parts_of("resources/{dataset}/train/pooled/{backbone}"),
    output:
        store("resources/{dataset}/train/pooled/{backbone}"),
    log:
        "logs/{dataset}/train/pooled/{backbone}.log",
    benchmark:
        "logs/{dataset}/train/pooled/{backbone}.tsv"
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
        "{wildcards.dataset}: {wildcards.backbone} mean vectors of all training crops {params.part}"
    shell:
        "depthg pooled --crops {input.crops:q} --name {wildcards.backbone:q} --backbone {params.backbone:q} "
        "--threads {threads} {params.part} --out {params.store:q} > {log:q} 2>&1"


use rule pooled as pooled_part with:
    output:
        part_of("resources/{dataset}/train/pooled/{backbone}"),
    log:
        "logs/{dataset}/train/pooled/{backbone}.{part}of{parts}.log",
    benchmark:
        "logs/{dataset}/train/pooled/{backbone}.{part}of{parts}.tsv"
    params:
        part="--part {part}/{parts}",


rule scheduled:
    input:
        crops=store("resources/{dataset}/train/crops"),
        neighbors=neighbors_of,
    output:
        store("resources/{dataset}/scheduled/crops"),
    log:
        "logs/{dataset}/scheduled/crops.log",
    benchmark:
        "logs/{dataset}/scheduled/crops.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        settings=settings(ScheduleSettings),
        store=store_of,
    message:
        "{wildcards.dataset}: pick the training crops that will be drawn"
    shell:
        "depthg scheduled --crops {input.crops:q} --neighbors {input.neighbors:q} "
        "--settings {params.settings:q} --out {params.store:q} > {log:q} 2>&1"
