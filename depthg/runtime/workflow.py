"""Where the workflow lies: at the top of a clone, or inside the installed package, to which the wheel copies it."""

from pathlib import Path

import depthg

PACKAGE = Path(depthg.__file__).parent
ROOT = PACKAGE.parent if (PACKAGE.parent / "Snakefile").is_file() else PACKAGE / "snakemake_workflow"
CONFIG = ROOT / "config.yaml"  # the shipped configuration, under that of a project
