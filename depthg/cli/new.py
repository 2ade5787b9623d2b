"""`depthg new`: a small project around a folder of images, driven by the workflow that comes with the package."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from depthg.config import load_project
from depthg.data.formats import readable_suffixes
from depthg.data.look import Look, look, summary
from depthg.data.records import has_classes
from depthg.errors import DepthGError
from depthg.report.plan.times import hours_of
from depthg.runtime.workflow import ROOT
from depthg.stages.crops import crop_layout
from depthg.weights.catalogue import WEIGHTS, timm_hub_id
from depthg.weights.hub import cached, why_unreachable

TEMPLATE = ROOT / "workflow/project"  # marks in its config.yaml are replaced by what is known of the images
FIRST = "auto"  # the experiment to begin with


def new_project(folder: Path, images: Path) -> Look:
    """Look at a folder of images and write a project: Snakefile, config.yaml, the default profile, those for clusters.

    Args:
        folder: created if missing.
        images: folder of images, or of images/, labels/ and depth/ (depthg.data.folder).

    Returns:
        What was found in the folder of images.

    Raises:
        DepthGError: the folder already contains a project, or the images cannot be used.
    """
    folder, images = folder.expanduser(), images.expanduser()
    for path in (folder / file for file in _files()):
        if path.exists():
            raise DepthGError(f"{path}: there is a project already: edit it, or choose another folder")
    found = _look(folder, images)
    try:
        for file, source in _files().items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / file)
    except OSError as error:
        raise DepthGError(f"{folder}: {error.strerror}: choose a folder that you may write") from None
    _fill(folder / "config.yaml", _root(folder.resolve(), images.resolve()), found)
    return found


def first_hours(config_file: Path, found: Look) -> float:
    """Hours that the first experiment of a new project takes on this machine, estimated by a short trial."""
    return hours_of(load_project(config_file), "mine", FIRST, found.images, has_classes(found.listing))


def weights_to_fetch(config_file: Path) -> tuple[str | None, str | None]:
    """The backbone of the first experiment if its weights must be fetched, and why they cannot be; None: neither."""
    config = load_project(config_file)
    name = config.resolve("mine", FIRST).backbone
    spec = config.network(name)
    hub_id = None if spec.weights else timm_hub_id(spec.model)
    if hub_id is None or cached(hub_id, WEIGHTS):
        return None, None
    return name, why_unreachable()


def _look(folder: Path, images: Path) -> Look:
    """Refuse a folder without images, and one in which the project's own pictures would become images."""
    if not images.is_dir():
        raise DepthGError(
            f"{images}: no such folder: give --images a folder of images ({readable_suffixes()})"
        )
    found = look(images)
    searched = images / "images" if (images / "images").is_dir() else images
    if folder.resolve().is_relative_to(searched.resolve()):
        raise DepthGError(
            f"{folder}: lies in the folder of images, and would add its own: choose one outside"
        )
    return found


def _fill(config_file: Path, root: str, found: Look) -> None:
    """Write what was found into the template of config.yaml."""
    text = config_file.read_text(encoding="utf-8")
    text = text.replace("#FOUND", "\n".join(f"# {_printable(line)}" for line in summary(found)))
    text = text.replace("IMAGES", root)
    text = text.replace("#BATCH\n", "".join(f"{line}\n" for line in _batch(found.images["train"])))
    text = text.replace("#MORE\n", "".join(f"{line}\n" for line in _more(found)))
    config_file.write_text(text, encoding="utf-8")


def _more(found: Look) -> Iterator[str]:
    """Further lines: smaller numbers for few images, and how to use the depth maps that are there."""
    few = _few(found.images["train"])
    if few:
        yield ""
        yield f"settings:   # of every experiment; no more can be had of the training images: {found.images['train']:,}"
        yield from (f"  {key}: {value}" for key, value in few.items())
    if found.depth:
        yield ""
        yield "# Your own depth maps: say what their larger values mean, and take one as `depth` above."
        yield "# depth_sources:"
        for name in found.depth:
            source = {"source": "files", "name": name, "larger": "farther"}
            line = yaml.safe_dump({name: source}, default_flow_style=None, sort_keys=False, width=math.inf)
            yield f"#   {line.strip()}   # or nearer"


def _batch(images: int) -> Iterator[str]:
    """The line of a smaller batch for the experiments that have none of their own; none where theirs can be had."""
    settings = load_project({"datasets": {"mine": {}}}).resolve("mine")
    crops = crop_layout("train", settings)[0] * images
    if crops < settings.batch:
        yield f"      batch: {crops:<18}# crops a step, as many as there are; auto has its own 16, or less"


def _few(images: int) -> dict[str, int | str]:
    """Settings that ask for more crops than so many training images give, lowered to what there is.

    One image cannot be halved, as `selection: stability` does: then the last weights are kept.
    """
    settings = load_project({"datasets": {"mine": {}}}).resolve("mine", FIRST)
    crops = crop_layout("train", settings)[0] * images
    most = {"keep": crops - 1, "neighbors": crops - 1, "batch": crops}
    few: dict[str, int | str] = {key: value for key, value in most.items() if getattr(settings, key) > value}
    return few | {"selection": "last"} if images == 1 else few


def _printable(line: str) -> str:
    """A line for a comment, whatever is in the names of files."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _files() -> dict[Path, Path]:
    """Path in the project → the file it is copied from: the template, and the profiles that docs/cluster.md names."""
    template = {file.relative_to(TEMPLATE): file for file in TEMPLATE.rglob("*") if file.is_file()}
    profiles = (file for file in (ROOT / "workflow/profiles").rglob("*") if file.is_file())
    return template | {file.relative_to(ROOT): file for file in profiles}


def _root(folder: Path, images: Path) -> str:
    """The folder of images as YAML; relative where it lies in the project, which may then be moved."""
    root = images.relative_to(folder) if images.is_relative_to(folder) else images
    return yaml.safe_dump(str(root), width=math.inf, allow_unicode=True).splitlines()[0]
