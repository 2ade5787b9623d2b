"""Not on the way to any result: makes the demo's backbone anew, as the weights in the package were made.

    snakemake --cores 2 demo_backbone --config teacher=resnet50_imagenet.safetensors

The teacher is any file of timm's resnet50 weights trained on ImageNet.
"""


rule demo_backbone:
    input:
        config.get("teacher", []),
    output:
        "resources/demo_backbone/demo_vit8.safetensors",
    log:
        "logs/demo_backbone.log",
    benchmark:
        "logs/demo_backbone.tsv"
    conda:
        "../envs/depthg.yaml"
    threads: workflow.cores
    params:
        cache=subpath(output[0], parent=True),
    message:
        "distil ResNet-50 into the demo's backbone"
    shell:
        "depthg distill --teacher {input:q} --cache {params.cache:q} --threads {threads} --out {output:q} > {log:q} 2>&1"
