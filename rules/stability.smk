"""Needs: training features and the head. Makes: a curve of how stable clusters are by their number, as PNG and JSON."""


rule stability:
    input:
        features=of_training("features/{backbone}"),
        neighbors=neighbors_of,
        schedule=schedule_of,
        model=lambda w: runs("model.safetensors")(w)[0],
    output:
        png="results/{dataset}/{experiment}/stability/{low}-{high}.png",
        json="results/{dataset}/{experiment}/stability/{low}-{high}.json",
    log:
        "logs/{dataset}/{experiment}/stability/{low}-{high}.log",
    benchmark:
        "logs/{dataset}/{experiment}/stability/{low}-{high}.tsv"
    wildcard_constraints:
        low=r"\d+",
        high=r"\d+",
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    params:
        schedule=options("schedule"),
    message:
        "{wildcards.dataset}: try {wildcards.low} to {wildcards.high} clusters of {wildcards.experiment}"
    shell:
        "depthg clusters sweep --features {input.features:q} --neighbors {input.neighbors:q} {params.schedule} "
        "--model {input.model:q} --low {wildcards.low:q} --high {wildcards.high:q} --threads {threads} "
        "--out {output.png:q} > {log:q} 2>&1"
