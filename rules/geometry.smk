"""Needs: depth, and the token grid of the features. Makes: farthest-point orders and 3-D neighbours."""


rule geometry:
    input:
        depth=store("resources/{dataset}/{split}/depth/{depth}"),
        features=store("resources/{dataset}/{split}/features/{backbone}"),
    output:
        store("resources/{dataset}/{split}/geometry/{backbone}/{depth}/{geometry}"),
    log:
        "logs/{dataset}/{split}/geometry/{backbone}/{depth}/{geometry}.log",
    benchmark:
        "logs/{dataset}/{split}/geometry/{backbone}/{depth}/{geometry}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 2
    params:
        settings=named("geometry"),
        store=store_of,
    message:
        "{wildcards.dataset}: farthest points and 3-D neighbours by {wildcards.depth} depth, {wildcards.geometry} geometry"
    shell:
        "depthg geometry --depth {input.depth:q} --features {input.features:q} "
        "--settings {params.settings:q} --out {params.store:q} > {log:q} 2>&1"
