#!/usr/bin/env bash
# Run by Snakemake in a new environment (--sdm conda), from the workflow's folder.
set -euo pipefail
python -m pip install --requirement requirements.lock
python -m pip install --no-deps --editable .
