"""Needs: the results of the experiments that are compared. Makes: the report of a data set, one HTML file."""


rule report:
    input:
        metrics=expand("results/{{dataset}}/{experiment}/metrics.json", experiment=CONFIG.compared),
        best=first_seeds("best.npz", CONFIG.compared),
        histograms=of_compared(histograms_of),
        shown=of_compared(shown_in_report),
    output:
        "results/{dataset}/report/index.html",
    log:
        "logs/{dataset}/report.log",
    benchmark:
        "logs/{dataset}/report.tsv"
    conda:
        "../envs/depthg.yaml"
    params:
        experiments=CONFIG.compared,
        paper=lambda w: json.dumps(published(CONFIG, w.dataset)),
    message:
        "{wildcards.dataset}: write the report of {params.experiments}"
    shell:
        "depthg report {wildcards.dataset:q} --experiments {params.experiments:q} --paper {params.paper:q} "
        "--out {output:q} > {log:q} 2>&1"
