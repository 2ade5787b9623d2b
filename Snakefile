"""DepthG: from a folder of images to an unsupervised segmentation model.

The rules follow the data: index → crops → depth, features → neighbours, geometry, attention, views → train →
cluster → evaluate → collect. Everything before `train` is shared by all experiments on a data set.

    snakemake --cores 2 results/demo/ours_3dlhp/metrics.json     one experiment
    snakemake --cores 2 results/demo/scores.md                   the main experiments on one data set
    snakemake --cores 2 results/demo/report/index.html           the same as a page with pictures
    snakemake --cores 8 --keep-going tables                      the paper's tables
    snakemake --cores 2 --config dataset=demo -- tables          the same, for another data set
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/data.smk"
include: "rules/crops.smk"
include: "rules/weights.smk"
include: "rules/depth.smk"
include: "rules/features.smk"
include: "rules/mirrored.smk"
include: "rules/components.smk"
include: "rules/mean.smk"
include: "rules/neighbors.smk"
include: "rules/scheduled.smk"
include: "rules/geometry.smk"
include: "rules/attention.smk"
include: "rules/views.smk"
include: "rules/train.smk"
include: "rules/cluster.smk"
include: "rules/stability.smk"
include: "rules/evaluate.smk"
include: "rules/collect.smk"
include: "rules/model.smk"
include: "rules/figures.smk"
include: "rules/tables.smk"
include: "rules/report.smk"
include: "rules/backbone.smk"


rule all:
    default_target: True
    input:
        "results/demo/ours_3dlhp/metrics.json",


onstart:
    # Seeds of an experiment and parts of a store share a line, for which the logger must know how many there are.
    note_siblings(workflow.dag.needrun_jobs())


onerror:
    # A failing run must not lose the table it is in: failed and missing cells are marked.
    from depthg.report.tables.formats import write_table

    for job in workflow.dag.jobs:
        if job.rule.name == "table":
            write_table(plan_of(job.wildcards), Path(job.output.md))
            print(f"{job.output.md}: written from what there is")
