"""Needs: depth, and the token grid of the features. Makes: farthest-point orders and 3-D neighbours."""


rule geometry:
    input:
        depth=store("resources/{dataset}/train/depth/{depth}"),
        features=store("resources/{dataset}/train/features/{backbone}"),
    output:
        store("resources/{dataset}/train/geometry/{backbone}/{depth}"),
    log:
        "logs/{dataset}/train/geometry/{backbone}/{depth}.log",
    benchmark:
        "logs/{dataset}/train/geometry/{backbone}/{depth}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 2
    params:
        settings=settings(GeometrySettings),
        store=subpath(output[0], parent=True),
    message:
        "{wildcards.dataset}: farthest points and 3-D neighbours by {wildcards.depth} depth"
    shell:
        "depthg geometry --depth {input.depth} --features {input.features} "
        "--settings {params.settings:q} --out {params.store} > {log} 2>&1"
