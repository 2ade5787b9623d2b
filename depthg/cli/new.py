"""`depthg new`: a small project around a folder of images, driven by the workflow that comes with the package."""

import shutil
from pathlib import Path

import yaml

from depthg.config.sections import Dataset
from depthg.data.folder import find
from depthg.errors import DepthGError
from depthg.runtime.workflow import ROOT

TEMPLATE = ROOT / "workflow/project"  # IMAGES in its config.yaml stands for the folder of images


def new_project(folder: Path, images: Path) -> None:
    """Write Snakefile, config.yaml and profiles/default/config.yaml of a project.

    Args:
        folder: of the project; made if missing.
        images: a folder of images, or of images/, labels/ and depth/ (depthg.data.folder).

    Raises:
        DepthGError: the folder holds a project, or the images cannot be used.
    """
    for path in (folder / file.relative_to(TEMPLATE) for file in TEMPLATE.rglob("*")):
        if path.is_file():
            raise DepthGError(f"{path}: there is a project already: edit it, or choose another folder")
    find(images, Dataset())
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    config = folder / "config.yaml"
    quoted = yaml.safe_dump(str(images.resolve()), width=1e9, allow_unicode=True).splitlines()[0]
    config.write_text(config.read_text().replace("IMAGES", quoted))
