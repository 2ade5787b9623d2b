"""Copies the workflow, which lies at the top of the repository, into the wheel beside the package's modules."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

WORKFLOW = (
    "Snakefile",
    "config.yaml",
    "rules",
    "workflow",
    "envs",
    "CITATION.cff",
)  # depthg/runtime/workflow.py finds them


class BuildWithWorkflow(build_py):
    """`build_py`, and the workflow's files; an editable installation finds them where they are."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "depthg/snakemake_workflow")
        target.mkdir(parents=True, exist_ok=True)
        for name in WORKFLOW:
            copy = shutil.copytree if Path(name).is_dir() else shutil.copy
            copy(name, target / name, **({"dirs_exist_ok": True} if Path(name).is_dir() else {}))


setup(cmdclass={"build_py": BuildWithWorkflow})
