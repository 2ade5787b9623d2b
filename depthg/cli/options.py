"""The argument parser: parameters of a command function become options, its docstring the help text."""

import argparse
import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from depthg import __version__
from depthg.store.parts import Part

OPTIONS = {  # help text of each option, the same in all commands
    "attention": "store of each token's neighbours by attention (attention/*.zarr)",
    "axes": "principal axes (axes/*.npy)",
    "backbone": "backbone, as under `backbones` in config.yaml",
    "batch": "windows that the network looks at together; none: 4 on a CPU, 32 on a GPU",
    "bundle": "also write the weights of the backbone, so that the folder needs no other file",
    "cache": "folder for rendered images and teacher features",
    "catalogue": "sources of the data sets (YAML)",
    "checked": "a store (*.zarr), or a folder with stores and results, such as resources or results/demo",
    "channels": "number of principal axes",
    "classes": "table of classes (classes.csv)",
    "clusters": "number of clusters, for the online codebook or selection by stability",
    "colours": "colours by cluster, as 3=skyblue 5=#808080; 3= takes a colour back",
    "compared": "predictions.npz of one seed of each experiment",
    "config_file": "configuration file, merged over the one that depthg ships",
    "coco": "also write annotations of COCO: coco.json with run lengths (needs depthg[coco]), or panoptic.json",
    "crf": "refine with a dense CRF: sharper borders, much slower",
    "crops": "store of crops (crops.zarr)",
    "dataset": "data set, as under `datasets` in config.yaml",
    "depth": "store of depth maps (depth/*.zarr)",
    "device": "cpu, cuda, cuda:1, …; none: a GPU if there is one",
    "dry_run": "only say what would be done",
    "experiment": "experiment, as under `experiments` in config.yaml, or NAME+KEY=VALUE to change a setting",
    "experiments": "names of experiments; none: all that were run",
    "durations": "benchmark files of the stages (logs/…/*.tsv)",
    "features": "store of backbone features (features/*.zarr; for neighbours, pooled/*.zarr suffices)",
    "flip": "average with the mirror image, also where the model was evaluated without: twice the time",
    "folder": "folder of the project",
    "geometry": "store of farthest-point orders and 3D neighbours (geometry/*.zarr)",
    "header": "metadata of the result: data set, experiment, backbone, … (JSON)",
    "high": "largest number of clusters to try",
    "inputs": "images, folders of images, quoted globs ('photos/**/*.jpg'), or tables of images (images.csv)",
    "images": "table of images (images.csv); for a new project, the folder of images",
    "labelled": "validation features, validation crops and classes.csv, to select weights by mIoU",
    "low": "smallest number of clusters to try, from 2",
    "mean": "store of the mean token (mean/*.zarr), for the setting `tokens`",
    "metrics": "metrics.json of each experiment",
    "mirrored": "store of the features of mirrored crops (mirrored/*.zarr), for the setting `flip`",
    "mixing": "for which setting `mixing` the store is made: neighbors, or released for attention as a whole",
    "model": "a model's folder, demo, or its id on the hub; of a stage: trained head (model.safetensors)",
    "name": "name in config.yaml; on the hub, OWNER/NAME",
    "named": "clusters.yaml, with names, colours and merges of clusters, and the probes.safetensors that has them",
    "names": "names: of experiments, separated by spaces; of clusters, as 3=sky 5='dirt road'",
    "neighbors": "store of nearest crops (neighbors/*.zarr)",
    "offline": "download nothing, only check local files (as with HF_HUB_OFFLINE=1)",
    "out": "file, store or folder to write",
    "paper": "the paper's scores by experiment (JSON); none: as config.yaml has them",
    "part": "part of the store to write: 2/3 is the second of three; all/3 marks the store complete after all three",
    "predictions": "predictions for the images of the figure (predictions.npz)",
    "polygons": "also write polygons of every image (needs depthg[geo])",
    "probabilities": "also write the probabilities of all classes, float16 [classes, H, W], as npz: large",
    "probes": "centroids and linear probe (probes.safetensors)",
    "recipe": "settings and backbone of the model (JSON); none: as config.yaml says",
    "private": "make a new repository private",
    "reopen": "mark the shards of damaged rows as unfinished",
    "resume": "keep what an interrupted run of the same model and options has written",
    "results": "folder of an experiment that was run, as results/demo/auto",
    "root": "folder of the data set",
    "runs": "folders of the seeds (seed0, seed1, …)",
    "scale": "factor by which images are resized before windows are cut from them; none: the short side fills one",
    "schedule": "store of the scheduled crops (scheduled/crops.zarr)",
    "seed": "random seed",
    "settings": "settings of the stage (JSON; `depthg config show` prints them)",
    "plan": "plan of the table (JSON)",
    "source": "depth source, as under `depth_sources` in config.yaml",
    "split": "train or val",
    "stored": "storage type of tokens",
    "table": "table, as under `tables` in config.yaml",
    "targets": "experiments (demo/auto, results/demo/auto), data sets or stores; none: all that is there",
    "teacher": "weights of timm's resnet50 (safetensors)",
    "threads": "number of CPU threads",
    "words": "numbers or names of clusters, `into`, and the one that they become part of",
    "worst": "predictions for the images of lowest accuracy (worst.npz)",
    "training": "features and crops of the training split, to match clusters by their labels",
    "view": "store of the features of a photometric view (views/*.zarr)",
}

MODELS = {  # models that options are parsed to, by the name in annotations: the module of each
    **dict.fromkeys(("Backbone", "Dataset", "DepthSource", "Stored"), "depthg.config.sections"),
    **dict.fromkeys(
        (
            "ClusterSettings",
            "CropSettings",
            "EvaluateSettings",
            "GeometrySettings",
            "NeighborSettings",
            "ScheduleSettings",
            "TrainSettings",
        ),
        "depthg.config.settings",
    ),
    "Plan": "depthg.report.tables.contents",
    "Recipe": "depthg.config.recipe",
}


class Models(dict[str, Any]):
    """What annotations name that only a type checker imports; a command pays for the models of its own options."""

    def __missing__(self, name: str) -> Any:
        return getattr(import_module(MODELS[name]), name)


def make_parser(
    commands: Mapping[str, Callable[..., None]], arguments: Sequence[str]
) -> argparse.ArgumentParser:
    """The parser of all commands; options are added only for the command that the arguments name.

    In a command of two words, the first is a group.
    """
    parser = argparse.ArgumentParser(
        prog="depthg",
        description="Unsupervised semantic segmentation guided by depth. The workflow calls these commands; "
        "`snakemake --cores 2 results/demo/ours_3dlhp/metrics.json` runs them all, in the order listed.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    groups = {"": parser.add_subparsers(required=True, metavar="COMMAND")}
    for name, command in commands.items():
        group, _, word = name.rpartition(" ")
        if group not in groups:
            texts = [f"{n}: {inspect.getdoc(c)}" for n, c in commands.items() if n.startswith(f"{group} ")]
            group_parser = groups[""].add_parser(group, help=" ".join(texts))
            groups[group] = group_parser.add_subparsers(required=True, metavar="COMMAND")
        text = inspect.getdoc(command)
        subparser = groups[group].add_parser(word, help=text, description=text)
        subparser.set_defaults(command=name)
        if name == " ".join(arguments[: 1 + name.count(" ")]):
            _add_options(subparser, command)
    return parser


def _add_options(parser: argparse.ArgumentParser, command: Callable[..., None]) -> None:
    """Add one option per parameter, typed by its annotation; positional-only parameters become positional arguments."""
    hints = get_type_hints(command, localns=Models())
    for parameter in inspect.signature(command).parameters.values():
        kind = _plain(hints[parameter.name])
        by_position = parameter.kind is parameter.POSITIONAL_ONLY
        flag = parameter.name if by_position else f"--{parameter.name.replace('_', '-')}"
        options: dict[str, Any] = {"help": OPTIONS.get(parameter.name), "type": _reader(kind, flag)}
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=options["help"])
            continue
        if get_origin(kind) is Literal:
            options["choices"] = get_args(kind)
        if kind in (list[Path], list[str]):
            options["nargs"] = "*" if by_position and parameter.default is None else "+"
        if parameter.default is not parameter.empty:
            options["default"] = parameter.default
        elif not by_position:
            options["required"] = True
        parser.add_argument(flag, **options)


def call(command: Callable[..., None], options: dict[str, Any]) -> None:
    """Call a command with its parsed options."""
    parameters = inspect.signature(command).parameters.values()
    positional = [options.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_ONLY]
    command(*positional, **options)


def _plain(kind: Any) -> Any:
    """The type T of an annotation `T | None`; other types unchanged."""
    inner = [part for part in get_args(kind) if part is not type(None)]
    return inner[0] if len(inner) == 1 and type(None) in get_args(kind) else kind


def _reader(kind: Any, flag: str) -> Callable[[str], Any]:
    """The function that converts the text of the option `flag` to a value of a type."""
    if hasattr(kind, "model_validate"):
        from depthg.config.validation import parse

        return lambda text: parse(kind, text, flag)
    if kind is dict:
        from depthg.config.reading import parse_json

        return lambda text: parse_json(text, flag)
    readers: dict[Any, Callable[[str], Any]] = {int: int, float: float, str: str, Part: Part.parse}
    return str if get_origin(kind) is Literal or kind == list[str] else readers.get(kind, Path)
