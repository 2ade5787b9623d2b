"""Needs: crops. Makes: the depth of every crop in [0, 1], far = 1, predicted or read."""


rule depth:
    input:
        crops=store("resources/{dataset}/{split}/crops"),
        images=images_of,
        network=network_of,
        parts=parts_of("resources/{dataset}/{split}/depth/{depth}"),
    output:
        store("resources/{dataset}/{split}/depth/{depth}"),
    log:
        "logs/{dataset}/{split}/depth/{depth}.log",
    benchmark:
        "logs/{dataset}/{split}/depth/{depth}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    resources:
        gpu=lambda w, input: computes(input) * (CONFIG.named("depth_source", w.depth).source != "files"),
    params:
        source=named("depth_source", "depth"),
        split=whole,
        root=lambda w: root_of(w.dataset, CONFIG.named("dataset", w.dataset)),
        store=store_of,
        part=completed,
    message:
        "{wildcards.dataset}: {wildcards.depth} depth of {wildcards.split} crops {params.part}"
    shell:
        "depthg depth --crops {input.crops:q} --images {input.images:q} --root {params.root:q} "
        "--split {params.split:q} --source {params.source:q} {params.part} --out {params.store:q} > {log:q} 2>&1"


use rule depth as depth_part with:
    output:
        part_of("resources/{dataset}/{split}/depth/{depth}"),
    log:
        "logs/{dataset}/{split}/depth/{depth}.{part}of{parts}.log",
    benchmark:
        "logs/{dataset}/{split}/depth/{depth}.{part}of{parts}.tsv"
    params:
        part="--part {part}/{parts}",
