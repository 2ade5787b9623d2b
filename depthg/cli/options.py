"""The parser: a command's parameters become options, its docstring the help."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from depthg import __version__

OPTIONS = {  # what each option means, wherever it occurs
    "attention": "store of nearest tokens by attention (attention/*.zarr)",
    "axes": "principal axes (axes/*.npy)",
    "backbone": "backbone, as under `backbones` in config.yaml",
    "cache": "folder for renders and teacher features",
    "catalogue": "where data sets come from",
    "channels": "axes to keep",
    "classes": "table of classes (classes.csv)",
    "clusters": "clusters of the online codebook",
    "compared": "predictions.npz of a seed of each experiment",
    "config_file": "configuration file",
    "crops": "store of crops (crops.zarr)",
    "dataset": "data set, as under `datasets` in config.yaml",
    "depth": "store of depth maps (depth/*.zarr)",
    "experiment": "experiment, as under `experiments` in config.yaml; changes: NAME+KEY=VALUE",
    "durations": "benchmark files of the stages, for the durations",
    "features": "store of backbone features (features/*.zarr; for neighbours pooled/*.zarr will do)",
    "folder": "folder of the project",
    "geometry": "store of farthest-point orders and 3-D neighbours (geometry/*.zarr)",
    "header": "facts that the scores carry: data set, experiment, … (JSON)",
    "images": "table of images (images.csv); for a new project, the folder of images",
    "labelled": "validation features, crops and classes.csv, to select weights by their labels",
    "metrics": "metrics.json of each experiment",
    "model": "trained head (model.safetensors)",
    "name": "name in config.yaml",
    "names": "names of the experiments, with spaces between",
    "neighbors": "store of nearest crops (neighbors/*.zarr)",
    "offline": "download nothing: only check what is here (HF_HUB_OFFLINE=1 does the same)",
    "out": "what to write",
    "part": "the part of the store to write: 2/3 is the second of three; all/3 completes it when they are written",
    "predictions": "pictures' predictions (predictions.npz)",
    "probes": "centroids and linear probe (probes.safetensors)",
    "root": "folder of the data set",
    "runs": "folders of the seeds",
    "schedule": "store of the scheduled crops (scheduled/crops.zarr)",
    "seed": "seed of everything random",
    "settings": "the stage's settings (`depthg config show` prints them)",
    "plan": "what the table shows (JSON)",
    "source": "depth source, as under `depth_sources` in config.yaml",
    "split": "train or val",
    "stored": "how tokens are kept",
    "table": "table, as under `tables` in config.yaml",
    "teacher": "weights of timm's resnet50 (safetensors)",
    "threads": "threads to compute with",
    "worst": "the worst pictures' predictions (worst.npz)",
    "view": "store of the features of a photometric view (views/*.zarr)",
}


def make_parser(
    commands: Mapping[str, Callable[..., None]], arguments: Sequence[str]
) -> argparse.ArgumentParser:
    """The parser, with the options of the command that the arguments name; of two words, the first is a group."""
    parser = argparse.ArgumentParser(
        prog="depthg",
        description="Unsupervised semantic segmentation guided by depth. The workflow calls these commands; "
        "`snakemake --cores 2 results/demo/ours_3dlhp/metrics.json` runs them all, in the order listed.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    places = {"": parser.add_subparsers(required=True, metavar="COMMAND")}
    for name, command in commands.items():
        group, _, word = name.rpartition(" ")
        if group not in places:
            texts = [f"{n}: {inspect.getdoc(c)}" for n, c in commands.items() if n.startswith(f"{group} ")]
            own = places[""].add_parser(group, help=" ".join(texts))
            places[group] = own.add_subparsers(required=True, metavar="COMMAND")
        text = inspect.getdoc(command)
        own = places[group].add_parser(word, help=text, description=text)
        own.set_defaults(command=name)
        if name == " ".join(arguments[: 1 + name.count(" ")]):
            _add_options(own, command)
    return parser


def _add_options(parser: argparse.ArgumentParser, command: Callable[..., None]) -> None:
    """One option a parameter, typed by its annotation; positional-only parameters (before `/`) by position."""
    from depthg.config import sections as entries
    from depthg.config import settings as slices
    from depthg.report.tables import contents as plan

    hints = get_type_hints(command, localns={"entries": entries, "slices": slices, "plan": plan})
    for parameter in inspect.signature(command).parameters.values():
        kind = _plain(hints[parameter.name])
        by_position = parameter.kind is parameter.POSITIONAL_ONLY
        flag = parameter.name if by_position else f"--{parameter.name.replace('_', '-')}"
        options: dict[str, Any] = {"help": OPTIONS.get(parameter.name), "type": _reader(kind)}
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=options["help"])
            continue
        if get_origin(kind) is Literal:
            options["choices"] = get_args(kind)
        if kind == list[Path]:
            options["nargs"] = "+"
        if parameter.default is not parameter.empty:
            options["default"] = parameter.default
        elif not by_position:
            options["required"] = True
        parser.add_argument(flag, **options)


def call(command: Callable[..., None], options: dict[str, Any]) -> None:
    """Call a command with its parsed options."""
    parameters = inspect.signature(command).parameters.values()
    first = [options.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_ONLY]
    command(*first, **options)


def _plain(kind: Any) -> Any:
    """The type of a parameter that may be None."""
    inner = [part for part in get_args(kind) if part is not type(None)]
    return inner[0] if len(inner) == 1 and type(None) in get_args(kind) else kind


def _reader(kind: Any) -> Callable[[str], Any]:
    """What turns an option's text into a value of its kind."""
    from depthg.config.base import Model
    from depthg.config.validation import parse
    from depthg.store.parts import Part

    if inspect.isclass(kind) and issubclass(kind, Model):
        return lambda text: parse(kind, text)
    readers: dict[Any, Callable[[str], Any]] = {int: int, str: str, dict: json.loads, Part: Part.parse}
    return str if get_origin(kind) is Literal else readers.get(kind, Path)
