"""Needs: crops. Makes: the depth of every crop in [0, 1], far = 1, predicted or read."""


rule depth:
    input:
        crops=store("resources/{dataset}/{split}/crops"),
        images="resources/{dataset}/{split}/images.csv",
        network=network_of,
    output:
        store("resources/{dataset}/{split}/depth/{depth}"),
    log:
        "logs/{dataset}/{split}/depth/{depth}.log",
    benchmark:
        "logs/{dataset}/{split}/depth/{depth}.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    resources:
        gpu=lambda w: int(CONFIG.named("depth_source", w.depth).source != "files"),
    params:
        source=lambda w: CONFIG.named("depth_source", w.depth).model_dump_json(),
        root=lambda w: root_of(w.dataset, CONFIG.named("dataset", w.dataset)),
        store=subpath(output[0], parent=True),
    message:
        "{wildcards.dataset}: {wildcards.depth} depth of {wildcards.split} crops"
    shell:
        "depthg depth --crops {input.crops} --images {input.images} --root {params.root:q} "
        "--split {wildcards.split} --source {params.source:q} --out {params.store} > {log} 2>&1"
