"""Needs: features, neighbours and, where the experiment reads depth, geometry. Makes: the segmentation head.

The first rule that knows about experiments: all before it is shared.
"""


rule train:
    input:
        fitting_pool,
        features=of_training("features/{backbone}"),
        neighbors=neighbors_of,
        geometry=geometry_of,
        attention=attention_of,
        view=view_of,
        mean=mean_of,
        schedule=schedule_of,
        classes=classes_of,
        labelled=labelled_of,
    output:
        model="results/{dataset}/{experiment}/seed{seed}/model.safetensors",
        history="results/{dataset}/{experiment}/seed{seed}/history.jsonl",
        config="results/{dataset}/{experiment}/seed{seed}/config.yaml",
    log:
        "logs/{dataset}/{experiment}/seed{seed}/train.log",
    benchmark:
        "logs/{dataset}/{experiment}/seed{seed}/train.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 4
    resources:
        gpu=1,
    params:
        settings=settings(TrainSettings),
        stores=options("geometry", "attention", "view", "mean", "schedule", "labelled"),
        clusters=clusters_of,
        out=subpath(output.model, parent=True),
    message:
        "{wildcards.dataset}: train {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "depthg train --features {input.features:q} --neighbors {input.neighbors:q} {params.stores} "
        "{params.clusters} --settings {params.settings:q} --seed {wildcards.seed:q} --threads {threads} "
        "--out {params.out:q} > {log:q} 2>&1"
