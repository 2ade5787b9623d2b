"""The command line: one command a rule of the workflow, each a thin call of the package.

A command is a function here; its parameters become options, its docstring the help. Everything heavy is
imported inside the commands, so that `depthg --help` answers at once; so is the configuration, whose models
only the command at hand needs.
"""

from __future__ import annotations

import argparse
import errno
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from depthg import __version__
from depthg.errors import DepthGError
from depthg.progress import tell, terminal

if TYPE_CHECKING:
    from depthg import config
    from depthg import settings as slices

Split = Literal["train", "val"]
OPTIONS = {  # what each option means, wherever it occurs
    "attention": "store of nearest tokens by attention (attention/*.zarr)",
    "backbone": "backbone, as under `backbones` in config.yaml",
    "cache": "folder for renders and teacher features",
    "classes": "table of classes (classes.csv)",
    "clusters": "clusters of the online codebook",
    "config_file": "configuration file",
    "crops": "store of crops (crops.zarr)",
    "dataset": "data set, as under `datasets` in config.yaml",
    "depth": "store of depth maps (depth/*.zarr)",
    "durations": "benchmark files of the stages, for the durations",
    "features": "store of backbone features (features/*.zarr)",
    "geometry": "store of farthest-point orders and 3-D neighbours (geometry/*.zarr)",
    "header": "facts that the scores carry: data set, experiment, … (JSON)",
    "images": "table of images (images.csv)",
    "labelled": "validation features, crops and classes.csv, to select weights by their labels",
    "metrics": "metrics.json of each experiment",
    "model": "trained head (model.safetensors)",
    "name": "name in config.yaml",
    "neighbors": "store of nearest crops (neighbors/*.zarr)",
    "out": "what to write",
    "predictions": "pictures' predictions (predictions.npz)",
    "probes": "centroids and linear probe (probes.safetensors)",
    "root": "folder of the data set",
    "runs": "folders of the seeds",
    "seed": "seed of everything random",
    "settings": "the stage's settings (`depthg config DATASET EXPERIMENT` shows them)",
    "source": "depth source, as under `depth_sources` in config.yaml",
    "split": "train or val",
    "teacher": "weights of timm's resnet50 (safetensors)",
    "threads": "threads to compute with",
    "view": "store of the features of a photometric view (views/*.zarr)",
}


def index(name: str, dataset: config.Dataset, out: Path) -> None:
    """Find and check every image and label of a data set → images.csv of both splits, classes.csv."""
    from depthg.datasets.index import index

    index(name, dataset, out)


def crops(images: Path, split: Split, settings: slices.CropSettings, out: Path) -> None:
    """Cut images into square crops: five each for training, one for validation."""
    from depthg.crops import make_crops

    make_crops(images, split, out, settings)


def depth(crops: Path, images: Path, root: Path, split: Split, source: config.DepthSource, out: Path) -> None:
    """Predict or read the depth of every crop, in [0, 1], far = 1."""
    from depthg.depth.stage import make_depth

    make_depth(crops, images, root, split, out, source)


def features(crops: Path, name: str, backbone: config.Backbone, out: Path, threads: int = 2) -> None:
    """Run the frozen backbone once over all crops and keep its tokens."""
    from depthg.features import make_features

    _use(threads)
    make_features(crops, out, name, backbone)


def neighbors(features: Path, crops: Path, settings: slices.NeighborSettings, out: Path) -> None:
    """Find each crop's nearest crops by the cosine of their mean features."""
    from depthg.neighbors import make_neighbors

    make_neighbors(features, crops, out, settings)


def geometry(depth: Path, features: Path, settings: slices.GeometrySettings, out: Path) -> None:
    """Turn depth into points, their farthest-point order and 3-D neighbours."""
    from depthg.geometry import make_geometry

    make_geometry(depth, features, out, settings)


def attention(
    crops: Path, features: Path, name: str, backbone: config.Backbone, out: Path, threads: int = 2
) -> None:
    """Find each token's neighbours by the attention of the backbone, for local hidden positives."""
    from depthg.attention import make_attention

    _use(threads)
    make_attention(crops, features, out, name, backbone)


def views(crops: Path, name: str, backbone: config.Backbone, out: Path, threads: int = 2) -> None:
    """Run the frozen backbone over a photometric view of all crops and keep its tokens."""
    from depthg.views import make_views

    _use(threads)
    make_views(crops, out, name, backbone)


def train(
    features: Path,
    neighbors: Path,
    settings: slices.TrainSettings,
    seed: int,
    out: Path,
    geometry: Path | None = None,
    attention: Path | None = None,
    view: Path | None = None,
    clusters: int | None = None,
    labelled: list[Path] | None = None,
    threads: int = 2,
) -> None:
    """Train the segmentation head on cached features; a killed run resumes to the same result."""
    from depthg.training.loop import train
    from depthg.training.selection import Labelled

    _use(threads)
    chosen_by = Labelled(*labelled) if labelled else None
    stores = {"geometry": geometry, "attention": attention, "view": view}
    train(features, neighbors, out, settings, seed, clusters, chosen_by, **stores)


def cluster(
    features: Path,
    crops: Path,
    classes: Path,
    model: Path,
    settings: slices.ClusterSettings,
    seed: int,
    out: Path,
    threads: int = 2,
) -> None:
    """Cluster the codes, and fit the linear probe where there are labels."""
    from depthg.evaluation.probes import fit_probes

    _use(threads)
    fit_probes(features, crops, classes, model, out, settings, seed)


def evaluate(
    features: Path,
    crops: Path,
    classes: Path,
    model: Path,
    probes: Path,
    settings: slices.EvaluateSettings,
    out: Path,
    threads: int = 2,
) -> None:
    """Segment the validation set, match clusters to classes, score with and without CRF."""
    from depthg.evaluation.evaluate import evaluate

    _use(threads)
    evaluate(features, crops, classes, model, probes, out, settings, threads)


def collect(runs: list[Path], header: dict, durations: list[Path], out: Path) -> None:
    """Gather the scores of all seeds into one metrics.json: mean, spread, and where they come from."""
    from depthg.evaluation.collect import collect
    from depthg.provenance import provenance, read_durations

    collect(runs, out, header | provenance(), read_durations(durations))


def figure(predictions: Path, classes: Path, out: Path, depth: Path | None = None) -> None:
    """Draw validation images beside ground truth, prediction and, where it was used, depth."""
    from depthg.report.figure import draw

    draw(predictions, depth, classes, out)


def scores(metrics: list[Path], out: Path) -> None:
    """Tabulate the scores of several experiments in Markdown."""
    from depthg.report.scores import table

    out.write_text(table(metrics))
    tell(out.read_text())


def distill(teacher: Path, cache: Path, out: Path, threads: int = 2) -> None:
    """Make the demo's backbone anew: a small ViT taught by ResNet-50 on rendered images."""
    from depthg.distill import distill

    _use(threads)
    distill(out=out, teacher=teacher, cache=cache)


def show(name: str, experiment: str, config_file: Path = Path("config.yaml")) -> None:
    """Print the resolved settings of an experiment on a data set."""
    import yaml

    from depthg.config import load

    settings = load(config_file).resolve(name, experiment)
    print(yaml.safe_dump(settings.model_dump(), sort_keys=False), end="")


COMMANDS: dict[str, Callable[..., None]] = {
    "index": index,
    "crops": crops,
    "depth": depth,
    "features": features,
    "neighbors": neighbors,
    "geometry": geometry,
    "attention": attention,
    "views": views,
    "train": train,
    "cluster": cluster,
    "evaluate": evaluate,
    "collect": collect,
    "figure": figure,
    "scores": scores,
    "distill": distill,
    "config": show,
}


def _use(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the options of the command that the arguments name."""
    parser = argparse.ArgumentParser(
        prog="depthg",
        description="Unsupervised semantic segmentation guided by depth. The workflow calls these commands; "
        "`snakemake --cores 2 results/demo/ours_3dlhp/metrics.json` runs them all, in the order listed.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        text = inspect.getdoc(command)
        own = commands.add_parser(name, help=text, description=text)
        if name in arguments[:1]:
            _add_options(own, command)
    return parser


def _add_options(parser: argparse.ArgumentParser, command: Callable[..., None]) -> None:
    """One option a parameter, typed by its annotation; `name` and `experiment` of `config` by position."""
    from depthg import config
    from depthg import settings as slices

    hints = get_type_hints(command, localns={"config": config, "slices": slices})
    for parameter in inspect.signature(command).parameters.values():
        kind = _plain(hints[parameter.name])
        flag = parameter.name if command is show and kind is str else f"--{parameter.name.replace('_', '-')}"
        options: dict[str, Any] = {"help": OPTIONS.get(parameter.name), "type": _reader(kind)}
        if kind == Split:
            options["choices"] = get_args(Split)
        if kind == list[Path]:
            options["nargs"] = "+"
        if parameter.default is not parameter.empty:
            options["default"] = parameter.default
        elif flag.startswith("--"):
            options["required"] = True
        parser.add_argument(flag, **options)


def _plain(kind: Any) -> Any:
    """The type of a parameter that may be None."""
    inner = [part for part in get_args(kind) if part is not type(None)]
    return inner[0] if len(inner) == 1 and type(None) in get_args(kind) else kind


def _reader(kind: Any) -> Callable[[str], Any]:
    """What turns an option's text into a value of its kind."""
    from depthg.config import parse
    from depthg.settings.base import Model

    if inspect.isclass(kind) and issubclass(kind, Model):
        return lambda text: parse(kind, text)
    readers: dict[Any, Callable[[str], Any]] = {int: int, str: str, Split: str, dict: json.loads}
    return readers.get(kind, Path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error becomes one line at the terminal, and a traceback in the log where it is ours."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        options = vars(_parser(words).parse_args(words))
        COMMANDS[options.pop("command")](**options)
    except DepthGError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted: the same command goes on where it stopped", 130)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return _fail(
            f"{error.filename or 'disk'}: the disk is full: make room and run the same command again"
        )
    except Exception as error:
        traceback.print_exc()
        return _fail(f"unexpected {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    return 0


def _fail(message: str, status: int = 1) -> int:
    print(f"error: {message}", file=sys.stderr)
    if terminal() is not sys.stderr:
        print(f"error: {message}", file=terminal(), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
