"""Needs: training features. Makes: their mean token, for models that take it off."""


rule mean:
    input:
        store("resources/{dataset}/{split}/features/{backbone}"),
    output:
        store("resources/{dataset}/{split}/mean/{backbone}"),
    log:
        "logs/{dataset}/{split}/mean/{backbone}.log",
    benchmark:
        "logs/{dataset}/{split}/mean/{backbone}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: 2
    params:
        store=store_of,
    message:
        "{wildcards.dataset}: mean of {wildcards.backbone} features"
    shell:
        "depthg mean --features {input:q} --threads {threads} --out {params.store:q} > {log:q} 2>&1"
