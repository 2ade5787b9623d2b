"""Needs: crops, and the token grid of the features. Makes: the neighbours of tokens by the backbone's attention.

For `mixing: released`: all of it.
"""


rule attention:
    input:
        crops=store("resources/{dataset}/{split}/crops"),
        features=store("resources/{dataset}/{split}/features/{backbone}"),
        weights=weights_of,
    output:
        store("resources/{dataset}/{split}/attention/{backbone}"),
    log:
        "logs/{dataset}/{split}/attention/{backbone}.log",
    benchmark:
        "logs/{dataset}/{split}/attention/{backbone}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        backbone=named("backbone"),
        mixing="neighbors",
        store=store_of,
    message:
        "{wildcards.dataset}: neighbours of tokens by the attention of {wildcards.backbone}"
    shell:
        "depthg attention --crops {input.crops:q} --features {input.features:q} --name {wildcards.backbone:q} "
        "--backbone {params.backbone:q} --mixing {params.mixing:q} --threads {threads} --out {params.store:q} > {log:q} 2>&1"


use rule attention as attention_maps with:
    output:
        store("resources/{dataset}/{split}/attention_maps/{backbone}"),
    log:
        "logs/{dataset}/{split}/attention_maps/{backbone}.log",
    benchmark:
        "logs/{dataset}/{split}/attention_maps/{backbone}.tsv"
    params:
        mixing="released",
    message:
        "{wildcards.dataset}: attention of {wildcards.backbone} between all tokens"
