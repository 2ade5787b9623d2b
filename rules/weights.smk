"""Needs: a network. Makes: the published files that config.yaml names by their path in resources/weights."""


rule weights:
    output:
        "resources/weights/{file}",
    log:
        "logs/weights/{file}.log",
    benchmark:
        "logs/weights/{file}.tsv"
    wildcard_constraints:
        file="[^/]+",
    localrule: True  # the nodes of a cluster often have no network
    conda:
        "../envs/depthg.yaml"
    message:
        "fetch {output}"
    shell:
        "depthg weights fetch {wildcards.file:q} > {log:q} 2>&1"
