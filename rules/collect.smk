"""Needs: the scores of every seed. Makes: metrics.json of an experiment, scores.md of a data set."""


rule collect:
    input:
        metrics=runs("metrics.json"),
        figure="results/{dataset}/{experiment}/figure.png",  # scores come with the picture that explains them
    output:
        reported(
            "results/{dataset}/{experiment}/metrics.json", "metrics", "Scores", experiment="{experiment}"
        ),
    log:
        "logs/{dataset}/{experiment}/collect.log",
    benchmark:
        "logs/{dataset}/{experiment}/collect.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        header=header,
        runs=lambda w, input: [str(Path(path).parent) for path in input.metrics],
        durations=stage_durations,
    message:
        "{wildcards.dataset}: collect the scores of {wildcards.experiment}"
    shell:
        "depthg collect --runs {params.runs:q} --header {params.header:q} "
        "--durations {params.durations:q} --out {output:q} > {log:q} 2>&1"


rule scores:
    input:
        expand("results/{{dataset}}/{experiment}/metrics.json", experiment=CONFIG.compared),
    output:
        reported("results/{dataset}/scores.md", "scores", "Tables", table="main experiments", file="Markdown"),
    log:
        "logs/{dataset}/scores.log",
    benchmark:
        "logs/{dataset}/scores.tsv"
    conda:
        "../envs/depthg.yaml"
    message:
        "{wildcards.dataset}: tabulate the scores of the main experiments"
    shell:
        "depthg scores --metrics {input:q} --out {output:q} > {log:q} 2>&1"
