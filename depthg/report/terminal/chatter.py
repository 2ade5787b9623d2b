"""What Snakemake, and its executor for Slurm, say of themselves at each run, and by which words a run ends early."""

import re

BEGINNINGS = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Cleaning up SLURM log files",
    "Complete log",
    "Conda environments: ignored",
    "Elapsed time",
    "Execute ",
    "Exiting because a job execution failed",
    "Group jobs: inactive",
    "SLURM run ID",
    "Select jobs to execute",
    "Shutting down",
    "Singularity containers: ignored",
    "Using shell",
)
SUBMITTED = re.compile(r"Job \S+ has been submitted with SLURM jobid ")
STOPS = "Terminating processes on user request"  # after Ctrl-C
WAITS = "Will exit after finishing currently running jobs"  # after SIGTERM, and again whenever a job ends


def is_chatter(text: str) -> bool:
    """Whether a message is left out."""
    return text.startswith(BEGINNINGS) or SUBMITTED.match(text) is not None
