"""Needs: the scores of all experiments in a table. Makes: the paper's tables, ours beside it, as .md, .csv and .tex.

`snakemake --cores 8 --keep-going tables` makes all; with `--config dataset=demo`, for another data set. Where a
run fails, the table is written all the same, from what there is: see `onerror` in the Snakefile.
"""


rule table:
    input:
        lambda w: plan_of(w).metrics,
    output:
        md=reported("results/tables/{table}.md", "table", "Tables", table="{table}", file="Markdown"),
        csv=reported("results/tables/{table}.csv", "table", "Tables", table="{table}", file="CSV"),
        tex="results/tables/{table}.tex",
    log:
        "logs/tables/{table}.log",
    benchmark:
        "logs/tables/{table}.tsv"
    wildcard_constraints:
        table="|".join(rf"(?:[^/]+/)?{re.escape(name)}" for name in CONFIG.tables) or "(?!)",
    conda:
        "../envs/depthg.yaml"
    params:
        plan=lambda w: plan_of(w).model_dump_json(),
    message:
        "write {wildcards.table}"
    shell:
        "depthg table make --plan {params.plan:q} --out {output.md:q} > {log:q} 2>&1"


rule tables:
    input:
        [
            f"results/tables/{f'{CONFIG.dataset}/' if CONFIG.dataset else ''}{name}.md"
            for name, table in CONFIG.tables.items()
            if table.has_paper_figures
        ],
