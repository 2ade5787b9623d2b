"""Needs: validation features and labels (to match by them, also training ones), head and probes. Makes: the scores of one seed, and the predictions for figures."""


rule evaluate:
    input:
        features=val_features,
        mirrored=mirrored_of,
        crops=store("resources/{dataset}/val/crops"),
        classes="resources/{dataset}/classes.csv",
        model="results/{dataset}/{experiment}/seed{seed}/model.safetensors",
        probes="results/{dataset}/{experiment}/seed{seed}/probes.safetensors",
        training=matched_by,
    output:
        metrics="results/{dataset}/{experiment}/seed{seed}/metrics.json",
        predictions="results/{dataset}/{experiment}/seed{seed}/predictions.npz",
        worst="results/{dataset}/{experiment}/seed{seed}/worst.npz",
        best="results/{dataset}/{experiment}/seed{seed}/best.npz",
    log:
        "logs/{dataset}/{experiment}/seed{seed}/evaluate.log",
    benchmark:
        "logs/{dataset}/{experiment}/seed{seed}/evaluate.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    params:
        settings=settings(EvaluateSettings),
        stores=options("training", "mirrored"),
        out=subpath(output.metrics, parent=True),
    message:
        "{wildcards.dataset}: evaluate {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "depthg evaluate --features {input.features:q} --crops {input.crops:q} --classes {input.classes:q} "
        "--model {input.model:q} --probes {input.probes:q} {params.stores} --settings {params.settings:q} "
        "--threads {threads} --out {params.out:q} > {log:q} 2>&1"
