"""Needs: training features. Makes: each crop's nearest crops."""


rule neighbors:
    input:
        features=mean_features,
        crops=store("resources/{dataset}/train/crops"),
    output:
        store("resources/{dataset}/train/neighbors/{backbone}"),
    log:
        "logs/{dataset}/train/neighbors/{backbone}.log",
    benchmark:
        "logs/{dataset}/train/neighbors/{backbone}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    params:
        settings=settings(NeighborSettings),
        store=store_of,
    message:
        "{wildcards.dataset}: nearest neighbours by {wildcards.backbone} features"
    shell:
        "depthg neighbors --features {input.features:q} --crops {input.crops:q} "
        "--settings {params.settings:q} --out {params.store:q} > {log:q} 2>&1"
