"""`depthg new`: a small project around a folder of images, driven by the workflow that comes with the package."""

import math
import shutil
from pathlib import Path

import yaml

from depthg.config.sections import Dataset
from depthg.data.folder import find
from depthg.errors import DepthGError
from depthg.runtime.workflow import ROOT

TEMPLATE = ROOT / "workflow/project"  # IMAGES in its config.yaml is replaced by the folder of images


def new_project(folder: Path, images: Path) -> None:
    """Write a project: Snakefile, config.yaml, the default profile and those for clusters.

    Args:
        folder: created if missing.
        images: folder of images, or of images/, labels/ and depth/ (depthg.data.folder).

    Raises:
        DepthGError: the folder already contains a project, or the images cannot be used.
    """
    folder, images = folder.expanduser(), images.expanduser()
    for path in (folder / file for file in _files()):
        if path.exists():
            raise DepthGError(f"{path}: there is a project already: edit it, or choose another folder")
    _check_images(folder, images)
    try:
        for file, source in _files().items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / file)
    except OSError as error:
        raise DepthGError(f"{folder}: {error.strerror}: choose a folder that you may write") from None
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("IMAGES", _root(folder.resolve(), images.resolve())))


def _check_images(folder: Path, images: Path) -> None:
    """Refuse a folder without images, and one in which the project's own pictures would become images."""
    if not images.is_dir():
        raise DepthGError(f"{images}: no such folder: give --images a folder of jpg, png or webp images")
    find(images, Dataset())
    searched = images / "images" if (images / "images").is_dir() else images
    if folder.resolve().is_relative_to(searched.resolve()):
        raise DepthGError(
            f"{folder}: lies in the folder of images, and would add its own: choose one outside"
        )


def _files() -> dict[Path, Path]:
    """Path in the project → the file it is copied from: the template, and the profiles that docs/cluster.md names."""
    template = {file.relative_to(TEMPLATE): file for file in TEMPLATE.rglob("*") if file.is_file()}
    profiles = (file for file in (ROOT / "workflow/profiles").rglob("*") if file.is_file())
    return template | {file.relative_to(ROOT): file for file in profiles}


def _root(folder: Path, images: Path) -> str:
    """The folder of images as YAML; relative where it lies in the project, which may then be moved."""
    root = images.relative_to(folder) if images.is_relative_to(folder) else images
    return yaml.safe_dump(str(root), width=math.inf, allow_unicode=True).splitlines()[0]
