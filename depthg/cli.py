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
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from depthg import __version__
from depthg.errors import DepthGError
from depthg.progress import tell, terminal

if TYPE_CHECKING:
    from depthg import config
    from depthg import settings as slices
    from depthg.report import plan

Split = Literal["train", "val"]
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
    "features": "store of backbone features (features/*.zarr)",
    "geometry": "store of farthest-point orders and 3-D neighbours (geometry/*.zarr)",
    "header": "facts that the scores carry: data set, experiment, … (JSON)",
    "images": "table of images (images.csv)",
    "labelled": "validation features, crops and classes.csv, to select weights by their labels",
    "metrics": "metrics.json of each experiment",
    "model": "trained head (model.safetensors)",
    "name": "name in config.yaml",
    "names": "names of the experiments, with spaces between",
    "neighbors": "store of nearest crops (neighbors/*.zarr)",
    "offline": "download nothing: only check what is here (HF_HUB_OFFLINE=1 does the same)",
    "out": "what to write",
    "predictions": "pictures' predictions (predictions.npz)",
    "probes": "centroids and linear probe (probes.safetensors)",
    "root": "folder of the data set",
    "runs": "folders of the seeds",
    "seed": "seed of everything random",
    "settings": "the stage's settings (`depthg config show` prints them)",
    "plan": "what the table shows (JSON)",
    "source": "depth source, as under `depth_sources` in config.yaml",
    "split": "train or val",
    "table": "table, as under `tables` in config.yaml",
    "teacher": "weights of timm's resnet50 (safetensors)",
    "threads": "threads to compute with",
    "worst": "the worst pictures' predictions (worst.npz)",
    "view": "store of the features of a photometric view (views/*.zarr)",
}


def index(name: str, dataset: config.Dataset, out: Path) -> None:
    """Find and check every image and label of a data set → images.csv of both splits, classes.csv."""
    from depthg.datasets.index import index

    index(name, dataset, out)


def crops(images: Path, classes: Path, split: Split, settings: slices.CropSettings, out: Path) -> None:
    """Cut images into square crops: five each for training, one for validation."""
    from depthg.crops import make_crops

    make_crops(images, classes, split, out, settings)


def depth(crops: Path, images: Path, root: Path, split: Split, source: config.DepthSource, out: Path) -> None:
    """Predict or read the depth of every crop, in [0, 1], far = 1."""
    from depthg.depth.stage import make_depth

    make_depth(crops, images, root, split, out, source)


def features(crops: Path, name: str, backbone: config.Backbone, out: Path, threads: int = 2) -> None:
    """Run the frozen backbone once over all crops and keep its tokens."""
    from depthg.features import make_features

    _use(threads)
    make_features(crops, out, name, backbone)


def axes(features: Path, channels: int, out: Path) -> None:
    """Find the principal axes of a store of features."""
    from depthg.components import find_axes

    find_axes(features, channels, out)


def project(features: Path, axes: Path, out: Path) -> None:
    """Write features on their principal axes: a fraction of the channels, nearly the same cosines."""
    from depthg.components import make_projected

    make_projected(features, axes, out)


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


def figure_predictions(predictions: Path, classes: Path, out: Path, depth: Path | None = None) -> None:
    """Draw validation images beside ground truth, prediction and, where it was used, depth."""
    from depthg.report.predictions import draw_predictions

    draw_predictions(predictions, depth, classes, out)


def figure_comparison(compared: list[Path], names: str, classes: Path, out: Path) -> None:
    """Draw validation images as several experiments see them (Fig. 4)."""
    from depthg.report.comparison import draw_comparison

    draw_comparison(compared, names.split(), classes, out)


def figure_worst(worst: Path, classes: Path, out: Path) -> None:
    """Draw the validation images that an experiment does worst on (Fig. 6)."""
    from depthg.report.worst import draw_worst

    draw_worst(worst, classes, out)


def figure_sampling(
    crops: Path, features: Path, neighbors: Path, geometry: Path, settings: slices.TrainSettings, out: Path
) -> None:
    """Draw which tokens are sampled at random, and which by distance in space (Fig. 5)."""
    from depthg.report.sampling import draw_sampling
    from depthg.training.inputs import open_inputs

    draw_sampling(crops, open_inputs(features, neighbors, settings, geometry=geometry), settings, out)


def figure_propagation(crops: Path, geometry: Path, out: Path, attention: Path | None = None) -> None:
    """Draw with which tokens a code is mixed, by depth and by attention (Fig. 3)."""
    from depthg.report.propagation import draw_propagation

    draw_propagation(crops, geometry, attention, out)


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


def weights_fetch(name: str, /, config_file: Path = Path("config.yaml"), offline: bool = False) -> None:
    """Download the weights of a backbone or depth source into resources/weights, and print their hashes."""
    from depthg.fetch import fetch

    fetch(name, config_file, offline)


def data_fetch(
    name: str,
    /,
    config_file: Path = Path("config.yaml"),
    catalogue: Path = Path("workflow/datasets.yaml"),
) -> None:
    """Download and unpack the files of a benchmark that are not here yet, or say which to get from where."""
    from depthg.config import load
    from depthg.datasets.fetch import fetch

    fetch(name, load(config_file).named("dataset", name), catalogue)


def data_unpack(
    name: str,
    /,
    config_file: Path = Path("config.yaml"),
    catalogue: Path = Path("workflow/datasets.yaml"),
) -> None:
    """Unpack the archives of a benchmark that lie in its folder."""
    from depthg.config import load
    from depthg.datasets.fetch import unpack_all

    unpack_all(name, load(config_file).named("dataset", name), catalogue)


def data_check(name: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Read every file of a data set, and tell what is wrong and what disk is needed, before hours are spent."""
    from depthg.config import load
    from depthg.datasets.check import check

    check(name, load(config_file))


def table_make(plan: plan.Plan, out: Path) -> None:
    """Write a table of results in Markdown, CSV and LaTeX."""
    from depthg.report.formats import write_table

    write_table(plan, out)


def table_show(table: str, /, dataset: str | None = None, config_file: Path = Path("config.yaml")) -> None:
    """Print a table as far as its experiments have been run, while others still are."""
    from depthg.config import load
    from depthg.report.formats import markdown
    from depthg.report.plan import plan
    from depthg.report.sheet import make_sheet
    from depthg.report.table import fill

    planned = plan(load(config_file), table, dataset)
    print(markdown(make_sheet(planned, fill(planned))), end="")


def config_show(dataset: str, experiment: str, /, config_file: Path = Path("config.yaml")) -> None:
    """Print all settings of an experiment on a data set, and where each was written."""
    from depthg.config import load
    from depthg.report.settings import resolved

    print(resolved(load(config_file), dataset, experiment), end="")


COMMANDS: dict[str, Callable[..., None]] = {
    "index": index,
    "crops": crops,
    "depth": depth,
    "features": features,
    "axes": axes,
    "project": project,
    "neighbors": neighbors,
    "geometry": geometry,
    "attention": attention,
    "views": views,
    "train": train,
    "cluster": cluster,
    "evaluate": evaluate,
    "collect": collect,
    "figure predictions": figure_predictions,
    "figure comparison": figure_comparison,
    "figure worst": figure_worst,
    "figure sampling": figure_sampling,
    "figure propagation": figure_propagation,
    "scores": scores,
    "table make": table_make,
    "table show": table_show,
    "distill": distill,
    "weights fetch": weights_fetch,
    "data fetch": data_fetch,
    "data unpack": data_unpack,
    "data check": data_check,
    "config show": config_show,
}


def _use(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the options of the command that the arguments name; of two words, the first is a group."""
    parser = argparse.ArgumentParser(
        prog="depthg",
        description="Unsupervised semantic segmentation guided by depth. The workflow calls these commands; "
        "`snakemake --cores 2 results/demo/ours_3dlhp/metrics.json` runs them all, in the order listed.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    places = {"": parser.add_subparsers(required=True, metavar="COMMAND")}
    for name, command in COMMANDS.items():
        group, _, word = name.rpartition(" ")
        if group not in places:
            texts = [f"{n}: {inspect.getdoc(c)}" for n, c in COMMANDS.items() if n.startswith(f"{group} ")]
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
    from depthg import config
    from depthg import settings as slices
    from depthg.report import plan

    hints = get_type_hints(command, localns={"config": config, "slices": slices, "plan": plan})
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


def _call(command: Callable[..., None], options: dict[str, Any]) -> None:
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
    from depthg.config import parse
    from depthg.settings.base import Model

    if inspect.isclass(kind) and issubclass(kind, Model):
        return lambda text: parse(kind, text)
    readers: dict[Any, Callable[[str], Any]] = {int: int, str: str, dict: json.loads}
    return str if get_origin(kind) is Literal else readers.get(kind, Path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error becomes one line at the terminal, and a traceback in the log where it is ours."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        options = vars(_parser(words).parse_args(words))
        _call(COMMANDS[options.pop("command")], options)
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
