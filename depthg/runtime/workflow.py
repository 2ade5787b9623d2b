"""Location of the Snakemake workflow: the root of a clone, or a folder of the installed package."""

from pathlib import Path

import depthg

PACKAGE = Path(depthg.__file__).parent
ROOT = PACKAGE.parent if (PACKAGE.parent / "Snakefile").is_file() else PACKAGE / "snakemake_workflow"
CONFIG = ROOT / "config.yaml"  # the shipped configuration; a project's config.yaml overrides it
