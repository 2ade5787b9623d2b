#!/usr/bin/env bash
# Run by Snakemake in a new environment (--sdm conda), from the working directory: a clone, or a project of its own.
set -euo pipefail
if [[ -f setup.py && -f requirements.lock && -d depthg ]]; then
    python -m pip install --requirement requirements.lock
    python -m pip install --no-deps --editable .
else
    # Where no index has it: PIP_FIND_LINKS=FOLDER of the wheel.
    python -m pip install depthg==0.1.0
fi
