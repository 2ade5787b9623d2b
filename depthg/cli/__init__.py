"""The command line: one command per rule of the workflow, each a thin call of the package.

Heavy modules, including the configuration, are imported inside the commands, so that `depthg --help` is fast.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from depthg.cli import clusters, models, stages, tools
from depthg.cli.failures import refusal
from depthg.cli.options import call, make_parser
from depthg.errors import DepthGError, without_secrets
from depthg.runtime.joblog import hold_log
from depthg.runtime.parent import follow_snakemake
from depthg.runtime.progress import terminal
from depthg.runtime.threads import wait_briefly

wait_briefly()

COMMANDS: dict[str, Callable[..., None]] = {
    "new": tools.new,
    "index": stages.index,
    "crops": stages.crops,
    "depth": stages.depth,
    "features": stages.features,
    "mirrored": stages.mirrored,
    "axes": stages.axes,
    "project": stages.project,
    "pooled": stages.pooled,
    "mean": stages.mean,
    "neighbors": stages.neighbors,
    "scheduled": stages.scheduled,
    "geometry": stages.geometry,
    "attention": stages.attention,
    "views": stages.views,
    "train": stages.train,
    "cluster": stages.cluster,
    "evaluate": stages.evaluate,
    "collect": stages.collect,
    "export": models.export,
    "segment": models.segment,
    "onnx": models.onnx,
    "push": models.push,
    "figure predictions": tools.figure_predictions,
    "figure comparison": tools.figure_comparison,
    "figure worst": tools.figure_worst,
    "figure sampling": tools.figure_sampling,
    "figure propagation": tools.figure_propagation,
    "figure correlations": tools.figure_correlations,
    "clusters show": clusters.show,
    "clusters name": clusters.name,
    "clusters merge": clusters.merge,
    "clusters sweep": clusters.sweep,
    "report": tools.report,
    "scores": tools.scores,
    "table make": tools.table_make,
    "table show": tools.table_show,
    "distill": tools.distill,
    "weights fetch": tools.weights_fetch,
    "data fetch": tools.data_fetch,
    "data unpack": tools.data_unpack,
    "data check": tools.data_check,
    "verify": tools.verify,
    "config show": tools.config_show,
    "plan": tools.plan_experiment,
    "status": tools.status,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an error is printed as one line, unexpected ones with a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    options: dict[str, Any] = {}
    follow_snakemake()
    hold_log()
    try:
        options = vars(make_parser(COMMANDS, words).parse_args(words))
        call(COMMANDS[options.pop("command")], options)
    except DepthGError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        again = " with --resume" if options.get("resume") is False else ""
        return _fail(f"interrupted: the same command{again} goes on where it stopped", 130)
    except BrokenPipeError:  # `depthg … | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if line := refusal(error):
            return _fail(line)
        print(without_secrets(traceback.format_exc()), end="", file=sys.stderr)
        return _fail(f"unexpected {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    return 0


def _fail(message: str, status: int = 1) -> int:
    message = without_secrets(message)
    print(f"error: {message}", file=sys.stderr)
    if terminal() is not sys.stderr:
        print(f"error: {message}", file=terminal(), flush=True)
    return status
