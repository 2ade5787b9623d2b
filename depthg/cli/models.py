"""Commands for a trained model: to take it out of the workflow, and to segment images with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from depthg.cli.stages import set_threads

if TYPE_CHECKING:
    from depthg.config.recipe import Recipe


def export(
    dataset: str,
    experiment: str,
    /,
    seed: int | None = None,
    out: Path | None = None,
    bundle: bool = False,
    config_file: Path = Path("config.yaml"),
    recipe: Recipe | None = None,
) -> None:
    """Write the model of an experiment as a folder that `depthg segment` and Segmenter read.

    Without --seed the lowest of the experiment's seeds; without --out to results/DATASET/EXPERIMENT/model.
    """
    from depthg.config import load_project
    from depthg.config.recipe import Recipe
    from depthg.inference.export import export

    made = recipe or Recipe.of(load_project(config_file), dataset, experiment)
    folder = out or Path(f"results/{dataset}/{experiment}/model")
    export(dataset, experiment, made, min(made.settings.seeds) if seed is None else seed, folder, bundle)


def segment(
    inputs: list[Path],
    /,
    model: str,
    out: Path,
    probabilities: bool = False,
    coco: Literal["rle", "panoptic"] | None = None,
    polygons: Literal["geojson", "labelme"] | None = None,
    crf: bool = False,
    flip: bool = False,
    scale: float | None = None,
    device: str | None = None,
    batch: int | None = None,
    threads: int | None = None,
    resume: bool = False,
) -> None:
    """Segment images of any size with a trained model: masks, overlays, and a table of areas.

    Masks are indexed PNGs at the image's own resolution, named like the images; of a GeoTIFF, a GeoTIFF.
    """
    from depthg.inference.run import Options, run
    from depthg.inference.segmenter import Segmenter
    from depthg.runtime.device import announce

    if threads is not None:
        set_threads(threads)
    if device is None:
        announce("segmenting")
    options = Options(
        probabilities=probabilities, coco=coco, polygons=polygons, crf=crf, flip=flip, scale=scale
    )
    run(inputs, Segmenter.from_pretrained(model, device), out, options, batch, resume)


def onnx(model: str, /, out: Path) -> None:
    """Write a model as one ONNX file: pixels of windows in, their label maps out.

    They are those of `depthg segment`, as the model enlarges them; windows are not joined, and there is no CRF.
    """
    from depthg.inference.hub import model_folder
    from depthg.inference.onnx import export_onnx

    export_onnx(model_folder(model), out)


def push(model: Path, name: str, /, private: bool = False, dry_run: bool = False) -> None:
    """Upload the folder of a model to the Hugging Face hub, as OWNER/NAME."""
    from depthg.inference.push import push

    push(model, name, private, dry_run)
