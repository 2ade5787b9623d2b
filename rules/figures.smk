"""Needs: predictions, or what training samples from. Makes: the figure of an experiment, and those of the paper."""


rule figure:
    input:
        predictions=lambda w: runs("predictions.npz")(w)[0],
        depth=shown_depth,
        classes="resources/{dataset}/classes.csv",
        named=cluster_names,
    output:
        drawn("results/{dataset}/{experiment}/figure.png", "predictions", "{experiment}"),
    log:
        "logs/{dataset}/{experiment}/figure.log",
    benchmark:
        "logs/{dataset}/{experiment}/figure.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        stores=options("depth", "named"),
    message:
        "{wildcards.dataset}: draw predictions of {wildcards.experiment}"
    shell:
        "depthg figure predictions --predictions {input.predictions:q} {params.stores} --classes {input.classes:q} "
        "--out {output:q} > {log:q} 2>&1"


rule comparison:
    input:
        predictions=first_seeds("predictions.npz", CONFIG.compared),
        classes="resources/{dataset}/classes.csv",
    output:
        drawn("results/{dataset}/figures/comparison.png", "comparison", "main experiments"),
    log:
        "logs/{dataset}/figures/comparison.log",
    benchmark:
        "logs/{dataset}/figures/comparison.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        names=" ".join(CONFIG.compared),
    message:
        "{wildcards.dataset}: draw predictions of {params.names} side by side"
    shell:
        "depthg figure comparison --compared {input.predictions:q} --names {params.names:q} "
        "--classes {input.classes:q} --out {output:q} > {log:q} 2>&1"


rule worst:
    input:
        worst=first_seeds("worst.npz", ["ours"]),
        classes="resources/{dataset}/classes.csv",
    output:
        drawn("results/{dataset}/figures/worst.png", "worst"),
    log:
        "logs/{dataset}/figures/worst.log",
    benchmark:
        "logs/{dataset}/figures/worst.tsv"
    conda:
        "../envs/depthg.yaml"
    message:
        "{wildcards.dataset}: draw the images that ours does worst on"
    shell:
        "depthg figure worst --worst {input.worst:q} --classes {input.classes:q} --out {output:q} > {log:q} 2>&1"


rule sampling:
    input:
        crops=of_training("crops"),
        features=as_ours(of_training("features/{backbone}")),
        neighbors=as_ours(neighbors_of),
        geometry=as_ours(geometry_store),
        schedule=as_ours(schedule_of),
    output:
        drawn("results/{dataset}/figures/sampling.png", "sampling"),
    log:
        "logs/{dataset}/figures/sampling.log",
    benchmark:
        "logs/{dataset}/figures/sampling.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        settings=as_ours(settings(TrainSettings)),
        schedule=options("schedule"),
    message:
        "{wildcards.dataset}: draw the tokens that are sampled"
    shell:
        "depthg figure sampling --crops {input.crops:q} --features {input.features:q} "
        "--neighbors {input.neighbors:q} --geometry {input.geometry:q} {params.schedule} "
        "--settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule propagation:
    input:
        crops=of_training("crops"),
        geometry=as_ours(geometry_store),
        attention=shown_attention,
    output:
        drawn("results/{dataset}/figures/propagation.png", "propagation"),
    log:
        "logs/{dataset}/figures/propagation.log",
    benchmark:
        "logs/{dataset}/figures/propagation.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        attention=options("attention"),
    message:
        "{wildcards.dataset}: draw the neighbours that a code is mixed with"
    shell:
        "depthg figure propagation --crops {input.crops:q} --geometry {input.geometry:q} {params.attention} "
        "--out {output:q} > {log:q} 2>&1"


rule correlations:
    input:
        features=of_training("features/{backbone}"),
        neighbors=neighbors_of,
        geometry=targets_geometry,
        mean=mean_of,
        schedule=schedule_of,
    output:
        png=drawn("results/{dataset}/{experiment}/correlations.png", "correlations", "{experiment}"),
        json="results/{dataset}/{experiment}/correlations.json",
    log:
        "logs/{dataset}/{experiment}/correlations.log",
    benchmark:
        "logs/{dataset}/{experiment}/correlations.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        settings=settings(TrainSettings),
        stores=options("geometry", "mean", "schedule"),
    message:
        "{wildcards.dataset}: draw what each term asks of the codes of {wildcards.experiment}"
    shell:
        "depthg figure correlations --features {input.features:q} --neighbors {input.neighbors:q} "
        "{params.stores} --settings {params.settings:q} --out {output.png:q} > {log:q} 2>&1"
