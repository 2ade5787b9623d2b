"""Needs: features of another backbone. Makes: the same features on their principal axes, in fewer channels."""


rule axes:
    input:
        lambda w: store(f"resources/{w.dataset}/train/features/{CONFIG.backbones[w.projected].of}"),
    output:
        "resources/{dataset}/train/axes/{projected}.npy",
    log:
        "logs/{dataset}/train/axes/{projected}.log",
    benchmark:
        "logs/{dataset}/train/axes/{projected}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 2
    params:
        channels=lambda w: CONFIG.backbones[w.projected].channels,
    message:
        "{wildcards.dataset}: principal axes for {wildcards.projected}"
    shell:
        "depthg axes --features {input:q} --channels {params.channels:q} --out {output:q} > {log:q} 2>&1"


rule project:
    input:
        features=lambda w: store(
            f"resources/{w.dataset}/{w.split}/{w.tokens}/{CONFIG.backbones[w.projected].of}"
        ),
        axes="resources/{dataset}/train/axes/{projected}.npy",
    output:
        store("resources/{dataset}/{split}/{tokens}/{projected}"),
    log:
        "logs/{dataset}/{split}/{tokens}/{projected}.log",
    benchmark:
        "logs/{dataset}/{split}/{tokens}/{projected}.tsv"
    wildcard_constraints:
        tokens="features|mirrored",
    conda:
        "../envs/depthg.yaml"
    threads: 2
    params:
        stored=lambda w: CONFIG.backbones[w.projected].stored,
        store=store_of,
    message:
        "{wildcards.dataset}: {wildcards.projected} {wildcards.tokens} of {wildcards.split} crops"
    shell:
        "depthg project --features {input.features:q} --axes {input.axes:q} --stored {params.stored:q} "
        "--out {params.store:q} > {log:q} 2>&1"
