"""`depthg new`: a small project around a folder of images, driven by the workflow that comes with the package."""

import shutil
from pathlib import Path

import yaml

from depthg.config.sections import Dataset
from depthg.data.folder import find
from depthg.errors import DepthGError

NAME = "mine"  # of the data set, under which config.yaml has defaults for one's own images

SNAKEFILE = '''"""Segments the images that config.yaml names, by the workflow of the installed package.

    snakemake results/mine/stego/metrics.json         without depth
    snakemake results/mine/ours_3dlhp/metrics.json    with depth and 3-D neighbours
"""

from depthg.runtime.workflow import CONFIG as SHIPPED, ROOT


configfile: str(SHIPPED)
configfile: "config.yaml"  # what is written here has the last word


include: str(ROOT / "Snakefile")


rule mine:  # what a bare `snakemake` makes
    default_target: True
    input:
        "results/mine/stego/metrics.json",
'''

CONFIG = """# Laid over the configuration that comes with depthg: `depthg config show mine stego` prints the whole.

dataset: mine   # what the tables are about: snakemake results/tables/mine/table4.md

datasets:
  mine:
    root: {root}   # may also hold labels, depth maps, classes.txt
    settings:
      clusters: 12             # how many segments to look for
      backbone: dino_vits8     # frozen feature extractor, a name under `backbones`
      depth: zoedepth          # depth network or files, a name under `depth_sources`; stego does without
      steps: 1000              # batches to train on
"""

PROFILE = """# Found by Snakemake without a flag.
cores: all
rerun-incomplete: true   # after a crash or Ctrl-C the same command goes on
"""


def new_project(folder: Path, images: Path) -> None:
    """Write Snakefile, config.yaml and profiles/default/config.yaml of a project.

    Args:
        folder: of the project; made if missing.
        images: a folder of images, or of images/, labels/ and depth/ (depthg.data.folder).

    Raises:
        DepthGError: the folder holds a project, or the images cannot be used.
    """
    files = {
        "Snakefile": SNAKEFILE,
        "config.yaml": CONFIG.format(root=_quoted(images.resolve())),
        "profiles/default/config.yaml": PROFILE,
    }
    for name in files:
        if (folder / name).exists():
            raise DepthGError(
                f"{folder / name}: there is a project already: edit it, or choose another folder"
            )
    find(images, Dataset())
    if shutil.which("snakemake") is None:
        raise DepthGError("snakemake: not on the PATH: activate the environment that depthg is installed in")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _quoted(path: Path) -> str:
    """A path as a YAML value on one line."""
    return yaml.safe_dump(str(path), width=1e9, allow_unicode=True).splitlines()[0]
