"""What a user sees while Snakemake runs: a line for each job, how far the running ones are, and the error last."""
