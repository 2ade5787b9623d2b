"""Needs: training features and the head. Makes: cluster centroids, and the linear probe where there are labels."""


rule cluster:
    input:
        known_clusters,
        features=of_training("features/{backbone}"),
        crops=of_training("crops"),
        classes="resources/{dataset}/classes.csv",
        model="results/{dataset}/{experiment}/seed{seed}/model.safetensors",
    output:
        "results/{dataset}/{experiment}/seed{seed}/probes.safetensors",
    log:
        "logs/{dataset}/{experiment}/seed{seed}/cluster.log",
    benchmark:
        "logs/{dataset}/{experiment}/seed{seed}/cluster.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 4
    params:
        settings=settings(ClusterSettings),
    message:
        "{wildcards.dataset}: cluster the codes of {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "depthg cluster --features {input.features:q} --crops {input.crops:q} --classes {input.classes:q} "
        "--model {input.model:q} --settings {params.settings:q} --seed {wildcards.seed:q} "
        "--threads {threads} --out {output:q} > {log:q} 2>&1"
