"""DepthG: from a folder of images to an unsupervised segmentation model.

The rules follow the data: index → crops → depth, features → neighbours, geometry, attention, views → train →
cluster → evaluate → collect. Everything before `train` is shared by all experiments on a data set.

    snakemake --cores 2 results/demo/ours_3dlhp/metrics.json     one experiment
    snakemake --cores 2 results/demo/scores.md                   all experiments on one data set
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/data.smk"
include: "rules/crops.smk"
include: "rules/depth.smk"
include: "rules/features.smk"
include: "rules/neighbors.smk"
include: "rules/geometry.smk"
include: "rules/attention.smk"
include: "rules/views.smk"
include: "rules/train.smk"
include: "rules/cluster.smk"
include: "rules/evaluate.smk"
include: "rules/collect.smk"
include: "rules/backbone.smk"


rule all:
    default_target: True
    input:
        "results/demo/ours_3dlhp/metrics.json",
